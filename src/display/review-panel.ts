// The review panel: suspect images one after another, decided by keys.
import { basename, dirname } from "node:path";
import type { Suspect } from "../review/suspects";
import { counted } from "../support/format";
import { imageUrl } from "./image-url";
import { decisionsOn, fallbackOf, type ReviewDecision } from "./review-decisions";
import { type Send, showReview, type ViewRequest } from "./review-widget";

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
type Request = ViewRequest & { index: number } & (
		| { ask: "item" | "image" | "undo" }
		| { ask: "decide"; to: string | null; note?: string }
	);

/** Greatest longer side, in pixels, of the image, of its neighbours, and of one that is zoomed. */
const SIZES = { image: 512, neighbour: 96, zoomed: 4096 };
/** Number of suspects that a view fetches ahead, and of neighbours that are shown. */
const [AHEAD, NEIGHBOURS] = [3, 6];

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
	const { length } = suspects;
	await showReview<Request>({
		module: "review-panel",
		title: `Review of ${counted(length, "suspect image")}, ${queue.decisions.size} decided`,
		state: { classNames, total: length, index: queue.next(-1) ?? length },
		progress: () => ({ decided: queue.decisions.size }),
		fallback: fallbackOf(suspects, queue.decisions, pageSize),
		changes: ["decide", "undo"],
		answer: answerer(suspects, queue, classNames, onDecision),
	});
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
	const decisions = await decisionsOn(suspects, journal);
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
	onDecision: ReviewOptions["onDecision"],
): (request: Request, send: Send) => Promise<void> {
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
	const decide = async (request: Request, send: Send) => {
		// Without a decision on the image that is shown, the last one is taken back.
		const isLast = request.ask === "undo" && !queue.decisions.has(request.index);
		const index = isLast ? [...queue.decisions.keys()].at(-1) : request.index;
		if (index === undefined) throw new Error("nothing is decided yet");
		const decision = await change(index, request);
		queue.set(index, decision);
		const following = request.ask === "undo" ? index : (queue.next(index) ?? suspects.length);
		const { path } = suspects[index];
		send({ type: "changed", view: request.view, index, path, decision, following, decided: queue.decisions.size });
		onDecision?.(suspects[index], decision);
	};
	return async (request, send) => {
		const { view, index, ask } = request;
		// Only an undo can come from the end, after the last suspect.
		const isSuspect = Number.isInteger(index) && index >= 0 && index < suspects.length;
		if (!isSuspect && ask !== "undo") return;
		if (ask === "decide" || ask === "undo") await decide(request, send);
		if (ask === "item") send({ type: "item", view, ...(await itemOf(suspects, queue, index)) });
		if (ask === "image") {
			send({ type: "image", view, index, image: await imageUrl(suspects[index].path, SIZES.zoomed) });
		}
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
