// Jupyter widgets: controls that the notebook shows and whose state lives in the kernel.
// https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md (protocol 2.1)
import { type Bundle, type Kernel, kernel } from "../support/kernel";

/** The state of a widget, with the names of ipywidgets: `value`, `description`, `disabled`… */
export type WidgetState = Record<string, unknown>;

export interface Widget {
	/** How other widgets refer to it, for example among the `children` of a `VBox`. */
	reference: string;
	/** What it is now. Changed with `update`. */
	readonly state: Readonly<WidgetState>;
	/** Changes it here and in the notebook. */
	update(changes: WidgetState): void;
	/** The MIME type with which the notebook shows it; to be joined with a form for places without widgets. */
	view: Bundle;
}

/** What the front end says to a widget. */
interface Message {
	method: "update" | "request_state" | "custom";
	state?: WidgetState;
	content?: { event?: string };
}

/**
 * Makes a widget of ipywidgets 8.
 *
 * @param name the class in ipywidgets: `"IntSlider"`, `"Dropdown"`, `"Button"`, `"VBox"`…
 * @param state what differs from the defaults of ipywidgets
 * @param options `onChange`: called after the user changed it; `onClick`: called when a button is pressed
 */
export function widget(
	name: string,
	state: WidgetState,
	{ onChange, onClick }: { onChange?: (state: WidgetState) => void; onClick?: () => void } = {},
): Widget {
	// Layouts and a few others are of the base package and have the view of that package.
	const module = name === "Layout" ? "@jupyter-widgets/base" : "@jupyter-widgets/controls";
	// Styles say how others look and have no view of their own.
	const view = name.endsWith("Style") ? "Style" : name;
	const current: WidgetState = {
		_model_name: `${name}Model`,
		_model_module: module,
		_model_module_version: "2.0.0",
		_view_name: `${view}View`,
		_view_module: view === name ? module : "@jupyter-widgets/base",
		_view_module_version: "2.0.0",
		...state,
	};
	const comm = (kernel() as Kernel).openComm(
		"jupyter.widget",
		{ state: current, buffer_paths: [] },
		{
			metadata: { version: "2.1.0" },
			onMessage(data) {
				const { method, state: changes, content } = data as Message;
				if (method === "request_state") send(current);
				if (method === "update") onChange?.(Object.assign(current, changes));
				if (content?.event === "click") onClick?.();
			},
		},
	);
	const send = (changes: WidgetState) => comm.send({ method: "update", state: changes, buffer_paths: [] });
	return {
		reference: `IPY_MODEL_${comm.id}`,
		state: current,
		update(changes) {
			Object.assign(current, changes);
			send(changes);
		},
		view: {
			"application/vnd.jupyter.widget-view+json": { model_id: comm.id, version_major: 2, version_minor: 0 },
		},
	};
}
