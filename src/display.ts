// Display: tables, figures, images, progress and widgets in a notebook.
// Start with display/show.ts.
export { type Claim, claim, type Expected, type Verdict } from "./display/claims";
export { confusionMatrixFigure, curves } from "./display/figures";
export { showImages } from "./display/images";
export { liveFileProgress, liveSteps } from "./display/progress-bar";
export type { ReviewDecision } from "./display/review-decisions";
export { type PagesJournal, type PagesOptions, reviewPages } from "./display/review-pages";
export { type ReviewJournal, type ReviewOptions, reviewPanel } from "./display/review-panel";
export { type DisplayPlace, show, showClaims, showFigure, showMarkdown, showTable } from "./display/show";
export { COLORS, type Figure, svgOf } from "./display/svg";
export { liveSweep, parallelCoordinates, trialRows } from "./display/sweep-view";
export { liveProgress } from "./display/training-progress";
export { type Control, type Run, type TuningOptions, tuningPanel } from "./display/tuning-panel";
export type { CaptionedImage } from "./images/decode";
export { percent, points } from "./support/format";
