// The widget of the review panels: a module of page/, the views that ask it for images, and a table where widgets are not.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { browserScript } from "../support/browser-script";
import { type Bundle, kernel } from "../support/kernel";
import { printable } from "../support/text";
import { show } from "./show";
import { type WidgetState, widget } from "./widgets";

/** What a view asks for. */
export interface ViewRequest {
	view: string;
	ask: string;
}

/** Sends a message to the views. */
export type Send = (content: object) => void;

export interface ReviewWidget<Request extends ViewRequest> {
	/** Name of the module in `page/`, and of its style, which is added to the panel's. */
	module: "review-panel" | "review-pages";
	/** What is shown where there is neither HTML nor a widget. */
	title: string;
	/** State that the views start with. */
	state: WidgetState;
	/** Returns the state that decisions change. */
	progress(): WidgetState;
	/** Makes what is shown where widgets are not. */
	fallback(): Promise<Bundle>;
	/** Kinds of requests that change decisions: they are answered in the order of the keys, one after another. */
	changes: readonly Request["ask"][];
	/** Answers a request; what it throws is sent to the view as a message of the type `failed`. */
	answer(request: Request, send: Send): Promise<void>;
}

/** Milliseconds without a decision after which the table of decisions is made again. */
const QUIET = 2000;

/** Shows a review panel, or without a notebook only what is shown where widgets are not. */
export async function showReview<Request extends ViewRequest>(review: ReviewWidget<Request>): Promise<void> {
	const { module, title, progress, fallback } = review;
	if (!kernel()) {
		show(await fallback());
		return;
	}
	const id = randomUUID();
	// Another output, since an update of the panel's own would replace the view that is being worked with.
	const showFallback = async (update: boolean) => show(await fallback(), { id, update });
	let quiet: NodeJS.Timeout | undefined;
	const onChange = () => {
		clearTimeout(quiet);
		quiet = setTimeout(() => void showFallback(true).catch(console.error), QUIET).unref();
	};
	const page = join(__dirname, "page");
	const styles = [...new Set(["review-panel", module])].map((name) => readFileSync(join(page, `${name}.css`), "utf8"));
	const state = {
		_esm: browserScript(join(page, `${module}.mjs`), { format: "esm" }),
		_css: styles.join(""),
		_anywidget_id: `image-classification.${module}`,
		...review.state,
		...progress(),
		// The front end takes the keyboard for a panel that a cell has just shown, not for one that is opened again.
		isNew: true,
	};
	const panel = widget("Any", state, { onCustom: answerer(review, onChange, (content) => send(content)) });
	const send = (content: object) => {
		const now = progress();
		if (Object.keys(now).some((name) => now[name] !== panel.state[name])) panel.update(now);
		panel.send(content);
	};
	show({ ...panel.view, "text/html": "", "text/plain": title });
	await showFallback(false);
}

/** Returns the function that answers the views of a panel. */
function answerer<Request extends ViewRequest>(
	{ changes, answer }: ReviewWidget<Request>,
	onChange: () => void,
	send: Send,
): (content: object) => void {
	let last = Promise.resolve();
	return (content) => {
		const request = content as Request;
		const isChange = changes.includes(request.ask);
		const answered = (isChange ? last.then(() => answer(request, send)) : answer(request, send))
			.then(() => {
				if (isChange) onChange();
			})
			.catch((error: unknown) => {
				const reason = error instanceof Error ? error.message : String(error);
				send({ ...request, type: "failed", reason: printable(reason.split("\n")[0]) });
			});
		// Decisions are kept in the order of the keys.
		if (isChange) last = answered;
	};
}
