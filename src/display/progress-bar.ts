// Progress bars.
import { randomUUID } from "node:crypto";
import { formatDuration } from "../support/format";
import { type FileProgress, formatProgress } from "../support/progress";
import { type Html, html } from "../support/text";
import { show } from "./show";
import { COLORS } from "./svg";

/**
 * Shows the progress of a loop over files as a progress bar, updated in place.
 *
 * @returns the `onProgress` option of `cleanTheData` and `findIssues`
 */
export function liveFileProgress(): (progress: FileProgress) => void {
	const id = randomUUID();
	let update = false;
	return (progress) => {
		const { done, files } = progress;
		const text = formatProgress(progress);
		const bar = done < files ? progressBar(done / files) : "";
		show({ "text/html": String(html`<div>${text}${bar}</div>`), "text/plain": text }, { id, update });
		update = true;
	};
}

/**
 * Shows the progress of a loop whose steps have names as a progress bar, updated in place: for example the trainings of a
 * comparison.
 *
 * @param steps number of steps in all
 * @returns function to call before each step with its name, and at the end without one
 */
export function liveSteps(steps: number): (name?: string) => void {
	const id = randomUUID();
	const started = performance.now();
	let begun = 0;
	return (name) => {
		const seconds = (performance.now() - started) / 1000;
		const text = name ?? `${steps} steps in ${formatDuration(seconds)}`;
		const bar = name === undefined ? "" : progressBar(begun / steps);
		const bundle = { "text/html": String(html`<div>${text}${bar}</div>`), "text/plain": text };
		show(bundle, { id, update: begun > 0 });
		begun++;
	};
}

/**
 * Returns a progress bar in HTML.
 *
 * @param completed fraction of the work that is done, 0–1
 */
export function progressBar(completed: number): Html {
	const width = (100 * completed).toFixed(1);
	const done = html`<div style="height:100%;width:${width}%;border-radius:3px;background:${COLORS[0]}"></div>`;
	return html`<div style="height:6px;max-width:860px;border-radius:3px;background:rgba(128,128,128,.3)">${done}</div>`;
}
