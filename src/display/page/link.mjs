// The connection of a view to the kernel.

/**
 * @typedef {import("./messages.mjs").Model} Model
 * @typedef {import("./messages.mjs").Message} Message
 * @typedef {import("./messages.mjs").Slot} Slot
 */

/** Milliseconds after which a view says that it waits. */
const PATIENCE = 4000;

/**
 * Connects a view to the kernel.
 *
 * @param {{ model: Model, el: HTMLElement }} widget
 * @param {{
 *   receive(message: any, isOwn: boolean): void, progressed(): void, fail(text: string): void, showEnded(hasEnded: boolean): void,
 * }} panel receives the answers to this view, and what has changed in any; hears when the model's numbers change, and whether the
 *   kernel has ended; shows a text, "" for none
 */
export function connect({ model, el }, { receive, progressed, fail, showEnded }) {
	const view = Math.random().toString(36).slice(2);
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let patience;
	let hasEnded = false;
	const { statusChanged } = model.widget_manager?.kernel ?? {};
	model.on("msg:custom", onMessage);
	model.on("change:decided", progressed);
	model.on("comm_live_update", onLive);
	statusChanged?.connect(onStatus);
	onLive();
	return { view, ask, isLive, close };

	/** @param {object} content */
	function ask(content) {
		model.send({ view, ...content });
		clearTimeout(patience);
		patience = setTimeout(() => {
			if (isLive())
				fail("Waiting for the kernel, which is busy or has ended. Nothing that is shown as decided is lost.");
		}, PATIENCE);
	}

	/** @param {Message} message */
	function onMessage(message) {
		const isOwn = message.view === view;
		if (isOwn) {
			clearTimeout(patience);
			if (isLive()) fail("");
		}
		if (isOwn || message.type === "changed") receive(message, isOwn);
	}

	function isLive() {
		return !hasEnded && !el.classList.contains("jupyter-widgets-disconnected");
	}

	/** A kernel that was killed comes back without this panel, of which its widgets are not told. @type {Slot} */
	function onStatus(_, status) {
		if (!/restarting|terminating|dead/.test(status)) return;
		hasEnded = true;
		onLive();
	}

	function onLive() {
		// The view's element says so, a moment after the model does.
		setTimeout(() => {
			showEnded(!isLive());
			if (!isLive())
				fail(
					"The kernel of this panel has ended. Nothing that is shown as decided is lost: run the cell again to go on.",
				);
		});
	}

	function close() {
		clearTimeout(patience);
		model.off("msg:custom", onMessage);
		model.off("change:decided", progressed);
		model.off("comm_live_update", onLive);
		statusChanged?.disconnect(onStatus);
	}
}
