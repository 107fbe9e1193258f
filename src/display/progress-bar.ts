// Progress bars.
import { randomUUID } from "node:crypto";
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
 * Returns a progress bar in HTML.
 *
 * @param completed fraction of the work that is done, 0–1
 */
export function progressBar(completed: number): Html {
	const width = (100 * completed).toFixed(1);
	const done = html`<div style="height:100%;width:${width}%;border-radius:3px;background:${COLORS[0]}"></div>`;
	return html`<div style="height:6px;max-width:860px;border-radius:3px;background:rgba(128,128,128,.3)">${done}</div>`;
}
