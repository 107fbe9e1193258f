// Comms: the channels between a notebook's widgets and the kernel.
// https://jupyter-client.readthedocs.io/en/stable/messaging.html#custom-messages
import { randomUUID } from "node:crypto";
import type { Kernel } from "../../src/support/kernel";
import { currentRun, type Publish } from "./execution";

interface OpenComm {
	target_name: string;
	/** What the comm was opened with; the state in it is the widget's own, so that it is always the current one. */
	data: { state?: Record<string, unknown> };
	onMessage(data: object): void;
}

/** The content of the `comm_open`, `comm_msg` and `comm_close` messages. */
export interface CommContent {
	comm_id: string;
	target_name?: string;
	data: { method?: string };
}

const comms = new Map<string, OpenComm>();

/**
 * Over a comm of this target a front end asks for all widgets when a notebook whose kernel is running is opened again.
 * https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md#control-comm-jupyterwidgetcontrol
 */
const CONTROL = "jupyter.widget.control";
const controls = new Set<string>();

/** Opens a comm. What its handler prints goes to the cell that opened it. */
export const openComm: Kernel["openComm"] = (target_name, data, { metadata, onMessage }) => {
	const id = randomUUID();
	const run = currentRun();
	if (!run) throw new Error("a comm can be opened by a cell only");
	const publish = (type: string, content: object, metadata?: object) =>
		run.publish(type, { comm_id: id, ...content }, metadata);
	comms.set(id, { target_name, data, onMessage: (message) => run.within(() => onMessage(message)) });
	publish("comm_open", { target_name, data }, metadata);
	return {
		id,
		send: (message) => publish("comm_msg", { data: message }),
		close() {
			comms.delete(id);
			publish("comm_close", { data: {} });
		},
	};
};

/** The open comms by identifier, those of one target or all. */
export function openComms(target?: string): Record<string, { target_name: string }> {
	const known = [...comms].filter(([, { target_name }]) => target === undefined || target === target_name);
	return Object.fromEntries(known.map(([id, { target_name }]) => [id, { target_name }]));
}

/** Accepts a comm that the front end opens to ask for widgets; the kernel has no other targets. */
export function acceptComm({ comm_id, target_name }: CommContent, publish: Publish): void {
	if (target_name === CONTROL) controls.add(comm_id);
	else publish("comm_close", { comm_id, data: {} });
}

export function receiveFromComm({ comm_id, data }: CommContent, publish: Publish): void {
	comms.get(comm_id)?.onMessage(data);
	if (!controls.has(comm_id) || data.method !== "request_states") return;
	publish("comm_msg", { comm_id, data: { method: "update_states", states: widgetStates(), buffer_paths: [] } });
}

/** The open widgets by identifier. */
function widgetStates(): Record<string, object> {
	const widgets = [...comms].filter(([, { target_name }]) => target_name === "jupyter.widget");
	return Object.fromEntries(
		widgets.map(([id, { data }]) => {
			const { _model_name, _model_module, _model_module_version } = data.state ?? {};
			const model = { model_name: _model_name, model_module: _model_module };
			return [id, { ...model, model_module_version: _model_module_version, state: data.state }];
		}),
	);
}

export function forgetComm({ comm_id }: CommContent): void {
	comms.delete(comm_id);
	controls.delete(comm_id);
}
