// The review panel: suspect images one after another, decided by keys.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Suspect } from "../review/suspects";
import { browserScript } from "../support/browser-script";
import { counted } from "../support/format";
import { type Bundle, checkInterrupt, kernel } from "../support/kernel";
import { html, printable } from "../support/text";
import { imageUrl, type ShownImage } from "./image-url";
import { imagesBundle } from "./images";
import { show } from "./show";
import { widget } from "./widgets";

/** What the panel shows of a decision. */
export interface ReviewDecision {
	/** Class of the image from now on; null if it is left out. */
	to: string | null;
	/** What proposed to look at it. */
	proposedBy?: string;
	/** When it was made, ISO 8601. */
	time?: string;
	note?: string;
}

/** Where decisions are kept, such as what `openJournal` returns. */
export interface ReviewJournal {
	/** Keeps a decision; the promise resolves when it cannot be lost any more. */
	decide(decision: { path: string; to: string | null; proposedBy: string; note?: string }): Promise<ReviewDecision>;
	/** Takes the decision on an image back. */
	undo(path: string): Promise<void>;
	/** Returns the decision on an image; null if there is none. */
	decisionOf(path: string): ReviewDecision | null;
}

export interface ReviewOptions {
	/** Names of the classes; the first nine have the keys 1–9. */
	classNames: readonly string[];
	/** Where decisions are kept. */
	journal: ReviewJournal;
	/** Number of suspects that are shown where widgets are not, as in an exported report. Default 12. */
	pageSize?: number;
	/** Function called after each decision is kept, with null after one was taken back. Default: none. */
	onDecision?: (suspect: Suspect, decision: ReviewDecision | null) => void;
}

/** What a view of the panel asks for. */
type Request = { view: string; index: number } & (
	| { ask: "item" | "image" | "undo" }
	| { ask: "decide"; to: string | null; note?: string }
);

/** Greatest longer side, in pixels, of the image, of its neighbours, of one that is zoomed, and of those in a table. */
const SIZES = { image: 512, neighbour: 96, zoomed: 4096, row: 64 };
/** Number of suspects that a view fetches ahead, of neighbours that are shown, and of decisions in the table. */
const [AHEAD, NEIGHBOURS, ROWS] = [3, 6, 50];
/** Milliseconds without a decision after which the table of decisions is made again. */
const QUIET = 2000;

/**
 * Shows suspect images one after another, to be decided by keys: a digit gives the image that class, `Enter` takes the
 * suggestion, `k` keeps the label, `x` leaves the image out, `u` takes a decision back. A decision is in the journal before
 * it is shown, so a kernel that is killed loses none; called again, the panel starts at the first suspect without one.
 * Without widgets, as in an exported report, it is a table of the decisions so far, or else the first suspects.
 *
 * @param suspects images to look at, in this order; only those at hand are read, so that there can be any number
 */
export async function reviewPanel(
	suspects: readonly Suspect[],
	{ classNames, journal, pageSize = 12, onDecision }: ReviewOptions,
): Promise<void> {
	const queue = await openQueue(suspects, journal);
	const thumbnails = new Map<string, ShownImage>();
	const fallback = () => fallbackBundle(suspects, queue, pageSize, thumbnails);
	if (!kernel()) {
		show(await fallback());
		return;
	}
	const id = randomUUID();
	// Another output, since an update of the panel's own would replace the view that is being worked with.
	const showFallback = async (update: boolean) => show(await fallback(), { id, update });
	let quiet: NodeJS.Timeout | undefined;
	const onChange = (index: number, decision: ReviewDecision | null) => {
		clearTimeout(quiet);
		quiet = setTimeout(() => void showFallback(true).catch(console.error), QUIET).unref();
		onDecision?.(suspects[index], decision);
	};
	const page = join(__dirname, "page");
	const state = {
		_esm: browserScript(join(page, "review-panel.mjs"), { format: "esm" }),
		_css: readFileSync(join(page, "review-panel.css"), "utf8"),
		_anywidget_id: "image-classification.review-panel",
		...{ classNames, total: suspects.length, decided: queue.decisions.size, index: queue.next(-1) ?? suspects.length },
		// The front end takes the keyboard for a panel that a cell has just shown, not for one that is opened again.
		isNew: true,
	};
	const panel = widget("Any", state, { onCustom: answerer(suspects, queue, classNames, onChange, (c) => send(c)) });
	const send = (content: object) => {
		if (panel.state.decided !== queue.decisions.size) panel.update({ decided: queue.decisions.size });
		panel.send(content);
	};
	const title = `Review of ${counted(suspects.length, "suspect image")}, ${queue.decisions.size} decided`;
	show({ ...panel.view, "text/html": "", "text/plain": title });
	await showFallback(false);
}

/** The suspects with their decisions. */
interface Queue {
	journal: ReviewJournal;
	/** The decisions by index of the suspect, in the order in which they were made. */
	decisions: Map<number, ReviewDecision>;
	/** Returns the first suspect after an index that is undecided; null if there is none. */
	next(after: number): number | null;
	/** Takes over what was decided on a suspect's image. */
	set(index: number, decision: ReviewDecision | null): void;
}

async function openQueue(suspects: readonly Suspect[], journal: ReviewJournal): Promise<Queue> {
	const found: [number, ReviewDecision][] = [];
	for (let i = 0; i < suspects.length; i++) {
		const decision = journal.decisionOf(suspects[i].path);
		if (decision) found.push([i, decision]);
		if (i % 1000 === 999) await checkInterrupt();
	}
	const decisions = new Map(found.sort(([, a], [, b]) => (a.time ?? "").localeCompare(b.time ?? "")));
	return {
		journal,
		decisions,
		next(after) {
			for (let i = after + 1; i < suspects.length; i++) if (!decisions.has(i)) return i;
			return null;
		},
		set(index, decision) {
			// An image can be suspect for several reasons. Of these the one that was decided on is the last.
			const others = [...suspects.keys()].filter((i) => suspects[i].path === suspects[index].path && i !== index);
			for (const i of [...others, index]) {
				decisions.delete(i);
				if (decision) decisions.set(i, decision);
			}
		},
	};
}

/** Returns the function that answers the views of a panel: with images, or after a decision. */
function answerer(
	suspects: readonly Suspect[],
	queue: Queue,
	classNames: readonly string[],
	onChange: (index: number, decision: ReviewDecision | null) => void,
	send: (content: object) => void,
): (content: object) => void {
	const known = new Set(classNames);
	const isChoice = (to: unknown, { label, suggested }: Suspect) =>
		to === null || known.has(to as string) || to === label || (to === suggested && to !== undefined);
	const change = async (index: number, request: Request) => {
		const { path, kind } = suspects[index];
		if (request.ask === "decide") {
			const { to, note } = request;
			if (!isChoice(to, suspects[index])) throw new Error(`${String(to)} is no class`);
			return queue.journal.decide({ path, to, proposedBy: kind, ...(note && { note }) });
		}
		await queue.journal.undo(path);
		return queue.journal.decisionOf(path);
	};
	const decide = async (request: Request) => {
		// Without a decision on the image that is shown, the last one is taken back.
		const isLast = request.ask === "undo" && !queue.decisions.has(request.index);
		const index = isLast ? [...queue.decisions.keys()].at(-1) : request.index;
		if (index === undefined) throw new Error("nothing is decided yet");
		const decision = await change(index, request);
		queue.set(index, decision);
		const following = request.ask === "undo" ? index : (queue.next(index) ?? suspects.length);
		const { path } = suspects[index];
		send({ type: "changed", view: request.view, index, path, decision, following, decided: queue.decisions.size });
		onChange(index, decision);
	};
	let last = Promise.resolve();
	return (content) => {
		const request = content as Request;
		const { view, index, ask } = request;
		// Only an undo can come from the end, after the last suspect.
		const isSuspect = Number.isInteger(index) && index >= 0 && index < suspects.length;
		if (!isSuspect && ask !== "undo") return;
		const answer = async () => {
			if (ask === "decide" || ask === "undo") await decide(request);
			if (ask === "item") send({ type: "item", view, ...(await itemOf(suspects, queue, index)) });
			if (ask === "image") {
				send({ type: "image", view, index, image: await imageUrl(suspects[index].path, SIZES.zoomed) });
			}
		};
		const answered = (ask === "decide" || ask === "undo" ? last.then(answer) : answer()).catch((error: unknown) => {
			const reason = error instanceof Error ? error.message : String(error);
			send({ type: "failed", view, index, reason: printable(reason.split("\n")[0]) });
		});
		// Decisions are kept in the order of the keys.
		if (ask === "decide" || ask === "undo") last = answered;
	};
}

/** Returns what a view shows of a suspect. */
async function itemOf(suspects: readonly Suspect[], queue: Queue, index: number): Promise<object> {
	const { path, label, suggested, kind, score, why, neighbours } = suspects[index];
	const labelOf = (file: string) => {
		const decision = queue.journal.decisionOf(file);
		return decision ? (decision.to ?? "left out") : basename(dirname(file));
	};
	const [image, ...near] = await Promise.all([
		imageUrl(path, SIZES.image),
		...neighbours.slice(0, NEIGHBOURS).map((file) => imageUrl(file, SIZES.neighbour)),
	]);
	const ahead: number[] = [];
	for (let i = queue.next(index); i !== null && ahead.length < AHEAD; i = queue.next(i)) ahead.push(i);
	return {
		...{ index, path, label, suggested, kind, score, why, image, ahead },
		neighbours: near.map((shown, i) => ({ path: neighbours[i], label: labelOf(neighbours[i]), image: shown })),
		decision: queue.decisions.get(index) ?? null,
	};
}

/** Returns what is shown where widgets are not: a table of the decisions, or else the first suspects. */
async function fallbackBundle(
	suspects: readonly Suspect[],
	queue: Queue,
	pageSize: number,
	thumbnails: Map<string, ShownImage>,
): Promise<Bundle> {
	const bundle = queue.decisions.size
		? await decisionTable(suspects, queue, thumbnails)
		: await imagesBundle(
				suspects.slice(0, pageSize).map(({ path, ...suspect }) => ({ image: path, caption: captionOf(suspect) })),
			);
	const { length } = suspects;
	const rest =
		!queue.decisions.size && length > pageSize ? `… ${counted(length - pageSize, "more suspect image")}` : "";
	// The panel's style hides the class.
	const whole = html`<div class="icn-review-fallback">`;
	return {
		"text/html": `${whole}${bundle["text/html"]}${rest && html`<p>${rest}</p>`}</div>`,
		"text/plain": rest ? `${bundle["text/plain"]}\n${rest}` : bundle["text/plain"],
	};
}

const captionOf = ({ label, suggested, kind, score }: Omit<Suspect, "path">) =>
	`${label}${suggested === null ? "" : ` → ${suggested}?`}\n${kind}, ${score.toFixed(3)}`;

/** Returns a table of the latest decisions, with the images. */
async function decisionTable(
	suspects: readonly Suspect[],
	queue: Queue,
	thumbnails: Map<string, ShownImage>,
): Promise<Bundle> {
	const held = [...queue.decisions].map(([i, decision]) => ({ suspect: suspects[i], decision }));
	const newest = [...new Map(held.map((row) => [row.suspect.path, row])).values()].reverse();
	const rows = newest.slice(0, ROWS);
	const images = await Promise.all(
		rows.map(async ({ suspect: { path } }) => thumbnails.get(path) ?? imageUrl(path, SIZES.row)),
	);
	// Only those of the rows are kept, however many are decided.
	thumbnails.clear();
	rows.forEach(({ suspect: { path } }, i) => {
		thumbnails.set(path, images[i]);
	});
	const texts = rows.map(({ suspect, decision }) => [
		suspect.path,
		suspect.label,
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
	const box = `width:${SIZES.row}px;height:${SIZES.row}px;object-fit:contain`;
	return html`<img src="${image.url}" alt="${path}" title="${path}" style="${box}">`;
}
