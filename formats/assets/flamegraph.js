"use strict";
// Zoom and search of a flame graph. Each frame is an inner <svg> with its start, weight and depth.
(function () {
	const root = document.documentElement;
	const byId = (id) => document.getElementById(id);
	const area = byId("frames");
	const details = byId("details");
	const search = byId("search");
	const reset = byId("reset");
	const summary = details.textContent;
	const frames = Array.from(area.children).map((element) => ({
		element,
		start: Number(element.dataset.s),
		weight: Number(element.dataset.w),
		depth: Number(element.dataset.d),
		title: element.querySelector("title").textContent,
	}));
	const label = (frame) => frame.title.slice(0, frame.title.lastIndexOf(" \u2014 "));
	let zoomed = frames[0];
	let sought = null;

	function addText(frame) {
		if (frame.element.querySelector("text"))
			return;
		const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
		text.setAttribute("x", "3");
		text.setAttribute("y", "13");
		text.textContent = label(frame);
		frame.element.appendChild(text);
	}

	// Callers of the chosen frame are as wide as it; what is beside them is hidden.
	function zoom(chosen) {
		zoomed = chosen;
		const end = chosen.start + chosen.weight;
		for (const frame of frames) {
			const inside = frame.start >= chosen.start && frame.start + frame.weight <= end &&
				frame.depth >= chosen.depth;
			const around = frame.start <= chosen.start && frame.start + frame.weight >= end &&
				frame.depth < chosen.depth;
			const style = frame.element.style;
			if (!inside && !around) {
				style.display = "none";
				continue;
			}
			style.display = "";
			const left = around ? 0 : (frame.start - chosen.start) / chosen.weight;
			const width = around ? 1 : frame.weight / chosen.weight;
			frame.element.setAttribute("x", 100 * left + "%");
			frame.element.setAttribute("width", 100 * width + "%");
			frame.element.setAttribute("opacity", around ? "0.6" : "1");
			if (width > 1 / 80)
				addText(frame);
		}
		reset.textContent = chosen === frames[0] ? "" : "Reset zoom";
	}

	// The part of all that is in frames that match, each place counted once.
	function find(expression) {
		let found = 0;
		let end = -1;
		sought = expression;
		for (const frame of frames) {
			const matches = expression !== null && expression.test(label(frame));
			frame.element.classList.toggle("found", matches);
			if (matches && frame.start >= end) {
				found += frame.weight;
				end = frame.start + frame.weight;
			}
		}
		search.textContent = expression === null ? "Search" :
			"Found " + (100 * found / frames[0].weight).toFixed(2) + "% (clear)";
	}

	function ask() {
		if (sought !== null)
			return find(null);
		const text = window.prompt("Search for (regular expression):", "");
		if (!text)
			return undefined;
		try {
			return find(new RegExp(text));
		} catch (error) {
			return find(new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
		}
	}

	for (const frame of frames) {
		frame.element.addEventListener("click", () => zoom(frame));
		frame.element.addEventListener("mouseenter", () => { details.textContent = frame.title; });
		frame.element.addEventListener("mouseleave", () => { details.textContent = summary; });
	}
	search.addEventListener("click", ask);
	reset.addEventListener("click", () => zoom(frames[0]));
	root.addEventListener("keydown", (event) => {
		if (event.key === "Escape" && zoomed !== frames[0]) {
			zoom(frames[0]);
		} else if (event.key === "/" || ((event.ctrlKey || event.metaKey) && event.key === "f")) {
			event.preventDefault();
			ask();
		}
	});
	find(null);
	zoom(frames[0]);
}());
