"use strict";
// The report's page: DATA is what was measured, see formats/html_report.c.
(function () {
	const data = JSON.parse(document.getElementById("data").textContent);
	const byId = (id) => document.getElementById(id);
	const ROW = 18;
	const VIEWS = { flame: "Flame graph", icicle: "Icicle", functions: "Functions", lines: "Lines",
		timeline: "Timeline" };
	const UNITS = ["samples", "wall", "cpu", "gil"];
	const ROOT_KIND = 5;
	const ROWS = 2000;
	const state = { view: "icicle", unit: data.unit, thread: -1, search: null, zoom: null, sort: "own", chosen: null };

	// What was too light for the page: one frame for all of it, behind the others.
	data.strings.push("[folded]");
	data.frames.push([data.strings.length - 1, 0, 0, 0, 2]);
	data.colors.push("#9aa0a8");

	// Texts and colors.
	const name = (frame) => data.strings[data.frames[frame][0]];
	const file = (frame) => data.strings[data.frames[frame][1]];
	const path = (frame) => data.strings[data.frames[frame][2]];
	const line = (frame) => data.frames[frame][3];
	const kind = (frame) => data.frames[frame][4];
	function label(frame) {
		if (frame < 0)
			return "all";
		const place = file(frame) + (line(frame) ? ":" + line(frame) : "");
		return place ? name(frame) + " (" + place + ")" : name(frame);
	}
	function amount(weight) {
		if (state.unit === 0)
			return weight + (weight === 1 ? " sample" : " samples");
		if (weight >= 1e9)
			return (weight / 1e9).toFixed(2) + " s";
		return weight >= 1e6 ? (weight / 1e6).toFixed(2) + " ms" : (weight / 1e3).toFixed(1) + " us";
	}
	const percent = (part, whole) => (whole ? 100 * part / whole : 0).toFixed(2) + "%";
	const matches = (frame) => state.search !== null && frame >= 0 && state.search.test(label(frame));
	const color = (frame) => (matches(frame) ? "#e040fb" : frame < 0 ? "#c4c7cc" : data.colors[frame]);

	// One tree of the chosen threads: nodes in the order of their rows, parents first.
	function build() {
		const root = { frame: -1, own: 0, total: 0, children: new Map(), parent: null, depth: 0 };
		const made = new Array(data.nodes.length);
		const owner = new Array(data.nodes.length);
		data.nodes.forEach((node, index) => {
			const [parent, frame] = node;
			owner[index] = kind(frame) === ROOT_KIND ? line(frame) : owner[parent];
			if (state.thread >= 0 && owner[index] !== state.thread)
				return;
			let here = root;
			if (kind(frame) !== ROOT_KIND) {
				const above = parent < 0 ? root : made[parent];
				here = above.children.get(frame);
				if (!here) {
					here = { frame, own: 0, total: 0, children: new Map(), parent: above,
						depth: above.depth + 1 };
					above.children.set(frame, here);
				}
			}
			made[index] = here;
			const weight = node[2 + state.unit];
			here.own += weight;
			for (let up = weight ? here : null; up; up = up.parent)
				up.total += weight;
		});
		return root;
	}

	let tree = build();

	// Graphs.
	let boxes = [];
	function layOut(width) {
		boxes = [];
		const zoom = state.zoom || tree;
		let deepest = 0;
		const around = [];
		for (let up = zoom.parent; up; up = up.parent)
			around.push(up);
		for (const node of around)
			boxes.push({ node, x: 0, width, faded: true });
		const rest = [{ node: zoom, x: 0 }];
		while (rest.length) {
			const { node, x } = rest.pop();
			const wide = zoom.total ? width * node.total / zoom.total : 0;
			if (wide < 0.4)
				continue;
			boxes.push({ node, x, width: wide, faded: false });
			deepest = Math.max(deepest, node.depth);
			let left = x;
			const children = Array.from(node.children.values());
			children.sort((a, b) => (label(a.frame) < label(b.frame) ? -1 : 1));
			for (const child of children) {
				rest.push({ node: child, x: left });
				left += width * child.total / zoom.total;
			}
		}
		return (deepest + 1) * ROW;
	}

	function drawGraph() {
		const canvas = byId("graph");
		const width = canvas.clientWidth || 800;
		const height = Math.min(layOut(width), 30000);
		const scale = Math.min(window.devicePixelRatio || 1, 2);
		canvas.style.height = height + "px";
		canvas.width = width * scale;
		canvas.height = height * scale;
		const context = canvas.getContext("2d");
		context.scale(scale, scale);
		context.font = "12px ui-monospace, monospace";
		for (const box of boxes) {
			box.y = state.view === "flame" ? height - (box.node.depth + 1) * ROW : box.node.depth * ROW;
			context.globalAlpha = box.faded ? 0.6 : 1;
			context.fillStyle = color(box.node.frame);
			context.fillRect(box.x, box.y, Math.max(box.width - 0.5, 0.5), ROW - 1);
			if (box.width < 24)
				continue;
			context.save();
			context.beginPath();
			context.rect(box.x, box.y, box.width - 3, ROW);
			context.clip();
			context.fillStyle = "#111";
			context.fillText(label(box.node.frame), box.x + 3, box.y + 13);
			context.restore();
		}
		const chosen = boxes.find((box) => box.node === state.chosen);
		if (chosen) {
			context.globalAlpha = 1;
			context.lineWidth = 2;
			context.strokeStyle = "#0b62c4";
			context.strokeRect(chosen.x + 1, chosen.y + 1, Math.max(chosen.width - 2, 1), ROW - 3);
		}
	}

	// With the keyboard: to who called, to what was called most, to what is beside.
	function step(key) {
		const here = boxes.find((box) => box.node === state.chosen);
		if (!here)
			return state.zoom || tree;
		const down = (key === "ArrowDown") === (state.view === "icicle");
		if (key === "ArrowUp" || key === "ArrowDown") {
			if (!down)
				return here.node.parent || here.node;
			const below = boxes.filter((box) => box.node.parent === here.node && !box.faded);
			below.sort((a, b) => b.width - a.width);
			return below.length ? below[0].node : here.node;
		}
		const row = boxes.filter((box) => box.node.depth === here.node.depth).sort((a, b) => a.x - b.x);
		const beside = row[row.indexOf(here) + (key === "ArrowRight" ? 1 : -1)];
		return beside ? beside.node : here.node;
	}

	function zoomTo(node) {
		state.zoom = node === tree ? null : node;
		draw();
	}

	function boxAt(event) {
		const bounds = byId("graph").getBoundingClientRect();
		const x = event.clientX - bounds.left;
		const y = event.clientY - bounds.top;
		return boxes.find((box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + ROW);
	}

	function describe(node) {
		return label(node.frame) + "\n" + amount(node.total) + ", " + percent(node.total, tree.total) +
			"; own " + amount(node.own) + (node.frame >= 0 && path(node.frame) ? "; " + path(node.frame) : "");
	}

	// What weighs in stacks that have a match, each once.
	function foundWeight() {
		let sum = 0;
		const rest = [tree];
		while (rest.length) {
			const node = rest.pop();
			if (matches(node.frame))
				sum += node.total;
			else
				node.children.forEach((child) => rest.push(child));
		}
		return sum;
	}

	// Tables: recursion counts once.
	function rows(byLine) {
		const found = new Map();
		const open = new Map();
		const enter = (node) => {
			const key = byLine ? path(node.frame) + "\0" + line(node.frame) + "\0" + name(node.frame)
				: path(node.frame) + "\0" + name(node.frame);
			let row = found.get(key);
			if (!row) {
				row = { frame: node.frame, own: 0, total: 0 };
				found.set(key, row);
			}
			row.own += node.own;
			const times = open.get(row) || 0;
			if (!times)
				row.total += node.total;
			open.set(row, times + 1);
			return row;
		};
		const rest = [{ node: tree, left: null }];
		while (rest.length) {
			const { node, left } = rest.pop();
			if (left) {
				open.set(left, open.get(left) - 1);
				continue;
			}
			if (node.frame >= 0 && kind(node.frame) < 3)
				rest.push({ node, left: enter(node) });
			for (const child of node.children.values())
				rest.push({ node: child, left: null });
		}
		return Array.from(found.values()).filter((row) => row.total)
			.sort((a, b) => b[state.sort] - a[state.sort] || b.total - a.total);
	}

	function cell(row, text) {
		const made = document.createElement("td");
		made.textContent = text;
		row.appendChild(made);
		return made;
	}

	function drawTable(byLine) {
		const table = byId("table");
		const head = table.tHead.rows[0];
		const body = table.tBodies[0];
		body.replaceChildren();
		for (const column of head.cells) {
			const sort = () => {
				state.sort = column.dataset.sort || state.sort;
				drawTable(byLine);
			};
			column.onclick = sort;
			column.onkeydown = (event) => {
				if (event.key === "Enter" || event.key === " ") {
					event.preventDefault();
					sort();
				}
			};
			if (column.dataset.sort)
				column.ariaSort = column.dataset.sort === state.sort ? "descending" : "none";
		}
		// What is sought, if something is, else all.
		const chosen = rows(byLine).filter((row) => state.search === null || matches(row.frame));
		byId("more").textContent = chosen.length > ROWS ? chosen.length - ROWS + " more rows: search for them" : "";
		for (const row of chosen.slice(0, ROWS)) {
			const made = body.insertRow();
			cell(made, percent(row.own, tree.total));
			cell(made, percent(row.total, tree.total));
			cell(made, amount(row.own));
			cell(made, amount(row.total));
			const last = cell(made, byLine ? label(row.frame) : name(row.frame) + " (" + file(row.frame) + ")");
			made.classList.toggle("found", matches(row.frame));
			const source = byLine && data.sources[row.frame];
			if (source) {
				const code = document.createElement("code");
				code.textContent = "  " + source.trim();
				last.appendChild(code);
			}
		}
	}

	// Timeline: a lane for each thread, cut into as many parts as the page is wide in steps.
	const LANES = 200;
	function drawTimeline() {
		const place = byId("lanes");
		const shown = data.threads.filter((thread) => state.thread < 0 || state.thread === thread.number);
		place.replaceChildren();
		byId("more").textContent = shown.length > LANES
			? shown.length - LANES + " more threads: choose one above" : "";
		shown.slice(0, LANES).forEach((thread) => {
			const lane = document.createElement("div");
			const title = document.createElement("span");
			const canvas = document.createElement("canvas");
			lane.className = "lane";
			title.textContent = title.title = thread.title;
			canvas.setAttribute("role", "img");
			canvas.setAttribute("aria-label", "timeline of " + thread.title);
			lane.append(title, canvas);
			place.appendChild(lane);
			canvas.width = data.steps;
			canvas.height = 20;
			const context = canvas.getContext("2d");
			const steps = [];
			for (const [node, count] of thread.steps) {
				for (let i = 0; i < count; i++)
					steps.push(node);
			}
			steps.forEach((node, step) => {
				if (node < 0)
					return;
				context.fillStyle = color(data.nodes[node][1]);
				context.fillRect(step, 0, 1, 20);
			});
			canvas.onmousemove = (event) => {
				const step = Math.floor(steps.length * event.offsetX / canvas.clientWidth);
				const node = steps[step];
				const seconds = data.seconds * step / data.steps;
				const at = seconds.toFixed(3) + " s: ";
				if (node === undefined || node < 0) {
					byId("details").textContent = at + "no stack";
					return;
				}
				const stack = [];
				for (let up = node; up >= 0 && kind(data.nodes[up][1]) !== ROOT_KIND; up = data.nodes[up][0])
					stack.push(label(data.nodes[up][1]));
				byId("details").textContent = at + stack.slice(0, 12).join(" < ");
			};
		});
	}

	function draw() {
		const graph = state.view === "flame" || state.view === "icicle";
		byId("graph").hidden = !graph;
		byId("table").hidden = state.view !== "functions" && state.view !== "lines";
		byId("lanes").hidden = state.view !== "timeline";
		for (const button of byId("views").children)
			button.setAttribute("aria-selected", String(button.dataset.view === state.view));
		byId("reset").hidden = !graph || !state.zoom;
		byId("details").textContent = graph ? describe(state.zoom || tree) : "";
		byId("more").textContent = "";
		byId("found").textContent = state.search === null ? "" : "found " + percent(foundWeight(), tree.total);
		if (graph)
			drawGraph();
		else if (state.view === "timeline")
			drawTimeline();
		else
			drawTable(state.view === "lines");
	}

	function rebuild() {
		state.zoom = state.chosen = null;
		tree = build();
		draw();
	}

	for (const view of Object.keys(VIEWS)) {
		const button = document.createElement("button");
		button.textContent = VIEWS[view];
		button.dataset.view = view;
		button.setAttribute("role", "tab");
		button.onclick = () => { state.view = view; draw(); };
		byId("views").appendChild(button);
	}
	UNITS.forEach((unit, index) => {
		if (data.nodes.some((node) => node[2 + index]))
			byId("unit").add(new Option(unit, String(index), false, index === state.unit));
	});
	byId("thread").add(new Option("all threads", "-1"));
	data.threads.forEach((thread) => byId("thread").add(new Option(thread.title, String(thread.number))));
	byId("unit").onchange = (event) => { state.unit = Number(event.target.value); rebuild(); };
	byId("thread").onchange = (event) => { state.thread = Number(event.target.value); rebuild(); };
	const resetZoom = () => {
		state.zoom = state.chosen = null;
		draw();
	};
	byId("reset").onclick = resetZoom;
	byId("search").oninput = (event) => {
		const text = event.target.value;
		try {
			state.search = text ? new RegExp(text) : null;
		} catch (error) {
			state.search = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
		}
		draw();
	};
	byId("graph").onmousemove = (event) => {
		const box = boxAt(event);
		byId("details").textContent = describe(box ? box.node : state.zoom || tree);
	};
	byId("graph").onclick = (event) => {
		const box = boxAt(event);
		if (box) {
			state.chosen = box.node;
			zoomTo(box.node);
		}
	};
	byId("graph").onkeydown = (event) => {
		if (event.key.startsWith("Arrow")) {
			event.preventDefault();
			state.chosen = step(event.key);
			drawGraph();
			byId("details").textContent = describe(state.chosen);
		} else if (event.key === "Enter" && state.chosen) {
			zoomTo(state.chosen);
		}
	};
	const dark = window.matchMedia("(prefers-color-scheme: dark)");
	const theme = (isDark) => { document.documentElement.dataset.theme = isDark ? "dark" : "light"; };
	theme(dark.matches);
	dark.onchange = (event) => theme(event.matches);
	byId("theme").onclick = () => theme(document.documentElement.dataset.theme !== "dark");
	window.onresize = draw;
	window.onkeydown = (event) => {
		if (event.key === "Escape" && state.zoom)
			resetZoom();
	};
	const wanted = location.hash.slice(1);
	if (VIEWS[wanted])
		state.view = wanted;
	draw();
}());
