// The thread of the control channel: passes messages on, interrupts the main thread where that cannot receive them, and
// notices that nobody is left to send any.
import { setTimeout } from "node:timers/promises";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { Router } from "zeromq";
import type { ControlThreadData, FromControlThread, ToControlThread } from "./control";
import type { DebugAdapter } from "./debugger/adapter";
import type { Ask } from "./debugger/remote";
import { endWithParent, signalGroup } from "./processes";
import { type Frames, sendOn, UNLIMITED } from "./sending";

/** Milliseconds after which an interrupt is sent again if the main thread has not received it. */
const PATIENCE = 1000;

async function interrupt({ stop, runs, signalledAt, received }: ControlThreadData): Promise<void> {
	const before = Atomics.load(received, 0);
	const signal = () => {
		signalledAt[0] = Date.now();
		// As Ctrl-C in a terminal: a cell may be waiting for a process that it has started.
		signalGroup("SIGINT");
	};
	Atomics.store(runs, 1, Atomics.load(runs, 0));
	Atomics.store(stop, 0, 1);
	signal();
	await setTimeout(PATIENCE);
	// A loop that began just after the signal is not ended by it.
	if (Atomics.load(received, 0) === before) signal();
}

async function listen(data: ControlThreadData, main: MessagePort): Promise<void> {
	const post = (message: FromControlThread) => main.postMessage(message);
	const control = new Router(UNLIMITED);
	await control.bind(data.address);
	const answers: ((answer: string) => void)[] = [];
	const ask: Ask = (method, args) => {
		post({ method, args });
		return new Promise((resolve) => answers.push(resolve));
	};
	const reply = (frames: Frames) => sendOn(control, frames);
	let adapter: DebugAdapter | undefined;
	/** Not loaded before it is needed: the channel opens first. */
	const debug = () => {
		const { DebugAdapter } = require("./debugger/adapter") as typeof import("./debugger/adapter");
		adapter ??= new DebugAdapter(data.key, ask, reply, () => void interrupt(data));
		return adapter;
	};
	main.on("message", (message: ToControlThread) => {
		if (message === "begin") return adapter?.begin();
		if (message === "end") return adapter?.end();
		if (Array.isArray(message)) return reply(message);
		if (message !== "close") return answers.shift()?.(message.answer);
		adapter?.close();
		control.close();
		main.close();
	});
	post("bound");
	endWithParent();
	for await (const frames of control) {
		const has = (type: string) => frames.some((frame) => frame.includes(`"${type}"`));
		if (has("debug_request")) {
			debug().receive(frames);
			continue;
		}
		if (has("interrupt_request")) {
			await adapter?.letGo();
			void interrupt(data);
		}
		if (has("shutdown_request")) adapter?.close();
		post(frames);
	}
}

if (parentPort) void listen(workerData, parentPort);
