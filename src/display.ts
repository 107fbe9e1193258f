// Display: tables, figures, images, progress and widgets in a notebook.
// Start with display/show.ts.
export {
	confusionMatrixFigure,
	curves,
	liveFileProgress,
	liveProgress,
	type Picture,
	type Place,
	show,
	showFigure,
	showImages,
	showMarkdown,
	showTable,
} from "./display/show";
export { COLORS, type Figure, svgOf } from "./display/svg";
export { liveSweep, parallelCoordinates, trialRows } from "./display/sweep-view";
export { type Control, type Run, type TuningOptions, tuningPanel } from "./display/tuning-panel";
