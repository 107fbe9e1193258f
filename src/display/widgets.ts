// Jupyter widgets (ipywidgets 8): controls that the front end shows and whose state lives in the kernel.
// https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md (protocol 2.1)
import { type Bundle, type Kernel, kernel } from "../support/kernel";

/** State of a widget, with the names of ipywidgets: `value`, `description`, `disabled`… */
export type WidgetState = Record<string, unknown>;

export interface Widget {
	/** Reference for the state of other widgets, such as the `children` of a `VBox`. */
	reference: string;
	/** Current state; `update` changes it. */
	readonly state: Readonly<WidgetState>;
	/** Changes the state here and in the front end. */
	update(changes: WidgetState): void;
	/** Sends a message that changes no state, to all views of the widget. */
	send(content: object): void;
	/** MIME bundle that shows the widget; add a fallback for viewers without widgets. */
	view: Bundle;
}

/** Message of the front end to a widget. */
interface Message {
	method: "update" | "request_state" | "custom";
	state?: WidgetState;
	content?: { event?: string; [name: string]: unknown };
}

/**
 * Creates a widget of ipywidgets 8. It needs the notebook kernel.
 *
 * @param name class in ipywidgets: `"IntSlider"`, `"Dropdown"`, `"Button"`, `"VBox"`…; `"Any"` for a module of one's own in
 *   the states `_esm` and `_css`, which anywidget shows
 * @param state state that differs from the defaults of ipywidgets
 * @param options `onChange`: function called after the user changed the state; `onClick`: function called when a button
 *   is pressed; `onCustom`: function called with any message that a view sends
 */
export function widget(
	name: string,
	state: WidgetState,
	{
		onChange,
		onClick,
		onCustom,
	}: { onChange?: (state: WidgetState) => void; onClick?: () => void; onCustom?: (content: object) => void } = {},
): Widget {
	const current = initialState(name, state);
	const onMessage = (data: object) => {
		const { method, state: changes, content } = data as Message;
		if (method === "request_state") send(current);
		if (method === "update") onChange?.(Object.assign(current, changes));
		if (content?.event === "click") onClick?.();
		if (method === "custom" && content) onCustom?.(content);
	};
	const comm = (kernel() as Kernel).openComm(
		"jupyter.widget",
		{ state: current, buffer_paths: [] },
		{ metadata: { version: "2.1.0" }, onMessage },
	);
	const send = (changes: WidgetState) => comm.send({ method: "update", state: changes, buffer_paths: [] });
	return {
		reference: `IPY_MODEL_${comm.id}`,
		state: current,
		update(changes) {
			Object.assign(current, changes);
			send(changes);
		},
		send: (content) => comm.send({ method: "custom", content }),
		view: {
			"application/vnd.jupyter.widget-view+json": { model_id: comm.id, version_major: 2, version_minor: 0 },
		},
	};
}

/** What anywidget 0.11 calls its model and its view; its Python names the versions so. */
const ANYWIDGET = {
	_model_name: "AnyModel",
	_model_module: "anywidget",
	_model_module_version: "~0.11.*",
	_view_name: "AnyView",
	_view_module: "anywidget",
	_view_module_version: "~0.11.*",
};

/** Returns the state of a new widget, with the names of its model and view. */
function initialState(name: string, state: WidgetState): WidgetState {
	if (name === "Any") return { ...ANYWIDGET, ...state };
	// Layouts belong to the base package.
	const module = name === "Layout" ? "@jupyter-widgets/base" : "@jupyter-widgets/controls";
	// Styles share the StyleView of the base package.
	const view = name.endsWith("Style") ? "Style" : name;
	return {
		_model_name: `${name}Model`,
		_model_module: module,
		_model_module_version: "2.0.0",
		_view_name: `${view}View`,
		_view_module: view === name ? module : "@jupyter-widgets/base",
		_view_module_version: "2.0.0",
		...state,
	};
}
