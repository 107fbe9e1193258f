// The decisions on suspect images, and the table of them that is shown where widgets are not.
import type { Suspect } from "../review/suspects";
import { counted } from "../support/format";
import { type Bundle, checkInterrupt } from "../support/kernel";
import { html, printable } from "../support/text";
import { imageUrl, type ShownImage } from "./image-url";
import { imagesBundle } from "./images";

/** What a panel shows of a decision. */
export interface ReviewDecision {
	/** Class of the image from now on; null if it is left out. */
	to: string | null;
	/** What proposed to look at it. */
	proposedBy?: string;
	/** When it was made, ISO 8601. */
	time?: string;
	note?: string;
}

/** Greatest longer side, in pixels, of an image in the table, and number of its rows. */
const [SIZE, ROWS] = [64, 50];

/** Returns the decisions by index of the suspect, in the order in which they were made. */
export async function decisionsOn(
	suspects: readonly Suspect[],
	{ decisionOf }: { decisionOf(path: string): ReviewDecision | null },
): Promise<Map<number, ReviewDecision>> {
	const found: [number, ReviewDecision][] = [];
	for (let i = 0; i < suspects.length; i++) {
		const decision = decisionOf(suspects[i].path);
		if (decision) found.push([i, decision]);
		if (i % 1000 === 999) await checkInterrupt();
	}
	return new Map(found.sort(([, a], [, b]) => (a.time ?? "").localeCompare(b.time ?? "")));
}

/**
 * Returns the function that makes what is shown where widgets are not: a table of the decisions, or else the first suspects.
 *
 * @param decisions of `decisionsOn`, as they are when the function is called
 * @param pageSize number of suspects that are shown without decisions
 */
export function fallbackOf(
	suspects: readonly Suspect[],
	decisions: Map<number, ReviewDecision>,
	pageSize: number,
): () => Promise<Bundle> {
	const thumbnails = new Map<string, ShownImage>();
	return async () => {
		const shown = decisions.size > 0 ? [] : suspects.slice(0, pageSize);
		const bundle = decisions.size
			? await decisionTable(suspects, decisions, thumbnails)
			: await imagesBundle(shown.map((suspect) => ({ image: suspect.path, caption: captionOf(suspect) })));
		const left = decisions.size > 0 ? 0 : suspects.length - shown.length;
		const rest = left > 0 ? `… ${counted(left, "more image")}` : "";
		// The panel's style hides the class.
		const whole = html`<div class="icn-review-fallback">`;
		return {
			"text/html": `${whole}${bundle["text/html"]}${rest && html`<p>${rest}</p>`}</div>`,
			"text/plain": rest ? `${bundle["text/plain"]}\n${rest}` : bundle["text/plain"],
		};
	};
}

const captionOf = ({ label, suggested, kind, score }: Suspect) =>
	`${[label, suggested && `${suggested}?`].filter(Boolean).join(" → ")}\n${kind}, ${score.toFixed(3)}`;

/** Returns a table of the latest decisions, with the images. */
async function decisionTable(
	suspects: readonly Suspect[],
	decisions: Map<number, ReviewDecision>,
	thumbnails: Map<string, ShownImage>,
): Promise<Bundle> {
	const held = [...decisions].map(([i, decision]) => ({ suspect: suspects[i], decision }));
	const newest = [...new Map(held.map((row) => [row.suspect.path, row])).values()].reverse();
	const rows = newest.slice(0, ROWS);
	const images = await Promise.all(
		rows.map(async ({ suspect: { path } }) => thumbnails.get(path) ?? imageUrl(path, SIZE)),
	);
	// Only those of the rows are kept, however many are decided.
	thumbnails.clear();
	rows.forEach(({ suspect: { path } }, i) => {
		thumbnails.set(path, images[i]);
	});
	const texts = rows.map(({ suspect, decision }) => [
		suspect.path,
		suspect.label ?? "none",
		decision.to ?? "left out",
		decision.proposedBy ?? suspect.kind,
		(decision.time ?? "").replace(/^(.{10})T(.{5}).*Z$/, "$1 $2 UTC"),
		decision.note ?? "",
	]);
	const names = ["image", "class before", "class after", "proposed by", "decided", "note"];
	const head = html`<thead><tr>${names.map((name) => html`<th style="text-align:left">${name}</th>`)}</tr></thead>`;
	const cell = (text: unknown) => html`<td style="text-align:left;white-space:pre-wrap">${text}</td>`;
	const body = texts.map(
		([path, ...others], i) => html`<tr>${cell(imageCell(path, images[i]))}${others.map(cell)}</tr>`,
	);
	const rest = newest.length > ROWS ? `… ${counted(newest.length - ROWS, "earlier decision")}` : "";
	const more = rest && html`<p>${rest}</p>`;
	return {
		"text/html": String(html`<table class="mathjax_ignore">${head}<tbody>${body}</tbody></table>${more}`),
		"text/plain": [...[names, ...texts].map((row) => row.map(printable).join("\t")), ...(rest ? [rest] : [])].join(
			"\n",
		),
	};
}

/** Returns an image with its path as a tooltip; of one that cannot be shown the path and the reason. */
function imageCell(path: string, image: ShownImage) {
	if ("reason" in image) return html`${path}<br><small>${image.reason}</small>`;
	const box = `width:${SIZE}px;height:${SIZE}px;object-fit:contain`;
	return html`<img src="${image.url}" alt="${path}" title="${path}" style="${box}">`;
}
