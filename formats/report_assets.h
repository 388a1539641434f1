/* What graphs bring with them, as files in formats/assets/: scripts and styles of this project.
 * Each ends in 0. */
#ifndef PYSPY_FORMATS_REPORT_ASSETS_H
#define PYSPY_FORMATS_REPORT_ASSETS_H

extern const char report_asset_flamegraph_js[];
extern const char report_asset_report_js[];
extern const char report_asset_report_css[];

#endif
