// Pages of unlabelled images that are proposed as one class: those that are wrong are marked, the others confirmed at once.
import type { Suspect } from "../review/suspects";
import { counted } from "../support/format";
import { groupBy } from "../support/iteration";
import { requirePositiveIntegers } from "../support/numbers";
import { imageUrl } from "./image-url";
import { decisionsOn, fallbackOf, type ReviewDecision } from "./review-decisions";
import { type Send, showReview, type ViewRequest } from "./review-widget";

/** Where decisions on pages are kept, such as what `openJournal` returns. */
export interface PagesJournal {
	/** Keeps decisions; the promise resolves when they cannot be lost any more. */
	decideAll(decisions: readonly { path: string; to: string; proposedBy: string }[]): Promise<ReviewDecision[]>;
	/** Takes the decisions on images back. */
	undoAll(paths: readonly string[]): Promise<void>;
	/** Returns the decision on an image; null if there is none. */
	decisionOf(path: string): ReviewDecision | null;
}

export interface PagesOptions {
	/** Names of the classes. */
	classNames: readonly string[];
	/** Where decisions are kept. */
	journal: PagesJournal;
	/** Number of images of a page. Default 24. */
	pageSize?: number;
}

/** What a view of the pages asks for. */
type Request = ViewRequest &
	({ ask: "page" | "undo"; page: number } | { ask: "confirm"; page: number; marked: number[] } | ImageRequest);
type ImageRequest = { ask: "image"; index: number };

/** Greatest longer side, in pixels, of an image on a page, and of one that is zoomed. */
const SIZES = { tile: 160, zoomed: 4096 };

/**
 * Shows images page by page, those of a page all proposed as one class: arrows move, Space or a click marks an image as
 * wrong, `Enter` confirms the page, which gives the class to all that are not marked, `u` takes a page back. The decisions of
 * a page are in the journal together, before the next page is shown; called again, the panel starts at the first page with an
 * undecided image. Without widgets, as in an exported report, it is a table of the decisions so far, or else the first page.
 *
 * @param proposals images with the class that is suggested for each, such as the `confident` ones of `proposeLabels`; only those
 *   at hand are read, so that there can be any number
 * @returns the images that are marked on confirmed pages, for `reviewPanel`: the list changes with the pages. Of two classes the
 *   other one is suggested for them, of more none
 * @throws when an image has no suggested class, or one that is not in `classNames`
 */
export async function reviewPages(
	proposals: readonly Suspect[],
	{ classNames, journal, pageSize = 24 }: PagesOptions,
): Promise<Suspect[]> {
	const pages = await openPages(proposals, { classNames, journal, pageSize });
	await showReview<Request>({
		module: "review-pages",
		title: `Pages of ${counted(proposals.length, "proposal")}, ${pages.decisions.size} decided`,
		state: { total: pages.classes.length, images: proposals.length, page: pages.next(-1) },
		progress: () => ({ decided: pages.decisions.size, marked: pages.marked.length, first: pages.next(-1) }),
		fallback: fallbackOf(proposals, pages.decisions, pageSize),
		changes: ["confirm", "undo"],
		answer: answerer(proposals, pages, journal),
	});
	return pages.marked;
}

/** The proposals in pages, with what was decided. */
interface Pages {
	/** Class of each page, and its images by index of the proposal. */
	classes: string[];
	images: number[][];
	/** The decisions by index of the proposal, in the order in which they were made. */
	decisions: Map<number, ReviewDecision>;
	/** The marked images of each page that was confirmed, in the order in which they were. */
	confirmed: Map<number, number[]>;
	/** The marked images of the confirmed pages. */
	marked: Suspect[];
	/** Returns the first page after one that is not done, as there is something to decide; the number of pages if there is none. */
	next(after: number): number;
	/** Takes over a page's decisions, and the marks with which it was confirmed; null if it is not. */
	set(page: number, marks: number[] | null): void;
}

async function openPages(
	proposals: readonly Suspect[],
	{ classNames, journal, pageSize }: Required<PagesOptions>,
): Promise<Pages> {
	requirePositiveIntegers({ pageSize });
	const wrong = proposals.find(({ suggested }) => suggested === null || !classNames.includes(suggested));
	if (wrong)
		throw new Error(
			`${wrong.path} is proposed as ${wrong.suggested}: expected one of the classes ${classNames.join(", ")}, see proposeLabels`,
		);
	const classOf = (index: number) => proposals[index].suggested as string;
	const images = groupBy([...proposals.keys()], classOf).flatMap((group) =>
		Array.from({ length: Math.ceil(group.length / pageSize) }, (_, i) => group.slice(i * pageSize, (i + 1) * pageSize)),
	);
	const classes = images.map(([first]) => classOf(first));
	const decisions = await decisionsOn(proposals, journal);
	const confirmed: Pages["confirmed"] = new Map();
	const marked: Suspect[] = [];
	const isDone = (page: number) => confirmed.has(page) || images[page].every((index) => decisions.has(index));
	return {
		...{ classes, images, decisions, confirmed, marked },
		next(after) {
			for (let page = after + 1; page < images.length; page++) if (!isDone(page)) return page;
			return images.length;
		},
		set(page, marks) {
			confirmed.delete(page);
			if (marks) confirmed.set(page, marks);
			for (const index of images[page]) {
				const decision = journal.decisionOf(proposals[index].path);
				decisions.delete(index);
				if (decision) decisions.set(index, decision);
			}
			const all = [...confirmed.values()].flat();
			marked.splice(0, marked.length, ...all.map((index) => asMarked(proposals[index], classNames)));
		},
	};
}

/** Returns an image that was marked as wrong, to be labelled by itself. */
function asMarked(proposal: Suspect, classNames: readonly string[]): Suspect {
	const others = classNames.filter((name) => name !== proposal.suggested);
	const why = `Marked as wrong where it was proposed as ${proposal.suggested}. ${proposal.why}`;
	return { ...proposal, kind: "unlabelled", suggested: others.length === 1 ? others[0] : null, why };
}

/** Whether a decision is that of a page: others, made one by one, are left alone. */
const isOwn = ({ kind, suggested }: Suspect, decision: ReviewDecision | null) =>
	decision !== null && decision.proposedBy === kind && decision.to === suggested;

/** Returns the function that answers the views: with a page, a zoomed image, or after a decision. */
function answerer(
	proposals: readonly Suspect[],
	pages: Pages,
	journal: PagesJournal,
): (request: Request, send: Send) => Promise<void> {
	const { images, confirmed } = pages;
	const ownOf = (page: number) =>
		images[page].filter((index) => isOwn(proposals[index], journal.decisionOf(proposals[index].path)));
	const undo = (indices: number[]) => journal.undoAll(indices.map((index) => proposals[index].path));
	const confirm = async (page: number, given: unknown) => {
		const marks = images[page].filter((index) => Array.isArray(given) && given.includes(index));
		const unmarked = images[page].filter((index) => !marks.includes(index));
		// A page that is confirmed again may have other marks.
		await undo(ownOf(page).filter((index) => marks.includes(index)));
		const open = unmarked.map((index) => proposals[index]).filter(({ path }) => !journal.decisionOf(path));
		await journal.decideAll(open.map(({ path, kind }) => ({ path, to: pages.classes[page], proposedBy: kind })));
		pages.set(page, marks);
		return { page, following: pages.next(page) };
	};
	const takeBack = async (shown: number) => {
		// Where the page that is shown has nothing to take back, it is the last one that was confirmed.
		const isHere = shown < images.length && (confirmed.has(shown) || ownOf(shown).length > 0);
		const page = isHere ? shown : [...confirmed.keys()].at(-1);
		if (page === undefined) throw new Error("no page is confirmed yet");
		await undo(ownOf(page));
		pages.set(page, null);
		return { page, following: page };
	};
	return async (request, send) => {
		const { view } = request;
		if (request.ask === "image") {
			const proposal = proposals[request.index];
			const { index } = request;
			if (proposal) send({ type: "image", view, index, image: await imageUrl(proposal.path, SIZES.zoomed) });
			return;
		}
		const { ask, page } = request;
		// Only an undo can come from the end, after the last page.
		if (!Number.isInteger(page) || page < 0 || page >= images.length + Number(ask === "undo")) return;
		if (ask === "page") send({ type: "page", view, ...(await pageOf(proposals, pages, journal, page)) });
		else {
			const changed = ask === "confirm" ? await confirm(page, request.marked) : await takeBack(page);
			send({ type: "changed", view, ...changed });
		}
	};
}

/** Returns what a view shows of a page. */
async function pageOf(
	proposals: readonly Suspect[],
	{ classes, images, confirmed, next }: Pages,
	journal: PagesJournal,
	page: number,
): Promise<object> {
	const marks = confirmed.get(page);
	const tiles = images[page].map(async (index) => {
		const { path, score, why } = proposals[index];
		const decision = journal.decisionOf(path);
		const isMarked = marks?.includes(index) ?? false;
		const isOpen = decision === null || isOwn(proposals[index], decision);
		return { index, path, score, why, decision, isMarked, isOpen, image: await imageUrl(path, SIZES.tile) };
	});
	return {
		page,
		to: classes[page],
		isConfirmed: marks !== undefined,
		ahead: next(page),
		tiles: await Promise.all(tiles),
	};
}
