// Comms: the channels between a notebook's widgets and the kernel.
// https://jupyter-client.readthedocs.io/en/stable/messaging.html#custom-messages
import { randomUUID } from "node:crypto";
import type { Kernel } from "../../src/support/kernel";
import { currentRun, type Publish } from "./execution";

interface OpenComm {
	target_name: string;
	onMessage(data: object): void;
}

/** The content of the `comm_open`, `comm_msg` and `comm_close` messages. */
export interface CommContent {
	comm_id: string;
	data: object;
}

const comms = new Map<string, OpenComm>();

/** Opens a comm. What its handler prints goes to the cell that opened it. */
export const openComm: Kernel["openComm"] = (target_name, data, { metadata, onMessage }) => {
	const id = randomUUID();
	const run = currentRun();
	if (!run) throw new Error("a comm can be opened by a cell only");
	const publish = (type: string, content: object, metadata?: object) =>
		run.publish(type, { comm_id: id, ...content }, metadata);
	comms.set(id, { target_name, onMessage: (message) => run.within(() => onMessage(message)) });
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

/** Refuses a comm that the front end opens: the kernel has no targets. */
export function refuseComm({ comm_id }: CommContent, publish: Publish): void {
	publish("comm_close", { comm_id, data: {} });
}

export function receiveFromComm({ comm_id, data }: CommContent): void {
	comms.get(comm_id)?.onMessage(data);
}

export function forgetComm({ comm_id }: CommContent): void {
	comms.delete(comm_id);
}
