// Progress bars.
import { randomUUID } from "node:crypto";
import { type FileProgress, formatProgress } from "../support/progress";
import { show } from "./show";

/** Shows how far going through files has come, in one place. Gives the `onProgress` option of `cleanTheData` and `findIssues`. */
export function liveFileProgress(): (progress: FileProgress) => void {
	const id = randomUUID();
	let update = false;
	return (progress) => {
		const { done, files } = progress;
		const text = formatProgress(progress);
		const bar = done < files ? progressBar(done / files) : "";
		show({ "text/html": `<div>${text}${bar}</div>`, "text/plain": text }, { id, update });
		update = true;
	};
}

/** A bar in HTML. @param share of the work that is done, 0–1 */
export function progressBar(share: number): string {
	return (
		'<div style="height:6px;max-width:860px;border-radius:3px;background:rgba(128,128,128,.3)">' +
		`<div style="height:100%;width:${(100 * share).toFixed(1)}%;border-radius:3px;background:#1f77b4"></div></div>`
	);
}
