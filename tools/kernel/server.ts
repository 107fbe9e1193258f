// The kernel's sockets: receives requests, sends replies, publishes outputs and whether the kernel is busy.
import { setTimeout } from "node:timers/promises";
import { Publisher, Reply, Router } from "zeromq";
import { bindControl } from "./control";
import { interruptState, type Publish } from "./execution";
import type { Handlers } from "./handlers";
import { Request } from "./message";
import { type Frames, sendOn, UNLIMITED } from "./sending";
import { StreamBuffer, type StreamContent } from "./stream-buffer";
import { endProcess } from "./system-exit";

/** The connection file that Jupyter writes. */
export interface Connection {
	transport: string;
	ip: string;
	key: string;
	shell_port: number;
	iopub_port: number;
	stdin_port: number;
	control_port: number;
	hb_port: number;
}

/** Milliseconds after a shutdown request until the process ends, whatever cells have left running. */
const SHUTDOWN = 1000;

export class Server {
	private readonly shell = new Router(UNLIMITED);
	private readonly stdin = new Router();
	private readonly heartbeat = new Reply();
	private readonly iopub = new Publisher(UNLIMITED);
	private readonly printed = new StreamBuffer((request, content) => {
		sendOn(this.iopub, request.answer("stream", content));
	});
	private closeControl = () => {};
	/** The requests whose cells run or wait. */
	private readonly executing = new Set<Request>();
	private greet = () => {};
	/** Resolves when a client has been told that the kernel is ready. */
	readonly greeted = new Promise<void>((resolve) => {
		this.greet = resolve;
	});

	/** @param onClose called when the kernel is to end */
	constructor(
		private readonly connection: Connection,
		private readonly handlers: Handlers,
		private readonly onClose: () => void,
	) {}

	/** Binds the sockets and begins to receive. */
	async start(): Promise<void> {
		const { transport, ip, ...ports } = this.connection;
		const address = (port: number) => `${transport}://${ip}:${port}`;
		const [closeControl] = await Promise.all([
			bindControl(
				address(ports.control_port),
				this.connection.key,
				interruptState,
				(announce) => this.handlers.debugTarget(this.publishDebug, announce),
				(...message) => void this.receive(...message),
			),
			this.iopub.bind(address(ports.iopub_port)),
			this.shell.bind(address(ports.shell_port)),
			this.stdin.bind(address(ports.stdin_port)),
			this.heartbeat.bind(address(ports.hb_port)),
		]);
		this.closeControl = closeControl;
		void this.listen();
		void this.beat();
	}

	/** Receives until the socket is closed. A cell does not keep the next message waiting. */
	private async listen(): Promise<void> {
		const reply = (frames: Frames) => sendOn(this.shell, frames);
		for await (const frames of this.shell) void this.receive(frames, reply);
	}

	private async beat(): Promise<void> {
		for await (const frames of this.heartbeat) await this.heartbeat.send(frames);
	}

	private async receive(frames: Buffer[], send: (reply: Frames) => void): Promise<void> {
		const request = Request.parse(frames, this.connection.key);
		const { type, content } = request;
		const publish = this.publisherOf(request);
		publish("status", { execution_state: "busy" });
		try {
			if (type === "execute_request") this.executing.add(request);
			const reply = await this.handlers.handle(type, content, publish);
			this.executing.delete(request);
			this.printed.flush();
			if (reply) send(request.answer(type.replace(/_request$/, "_reply"), reply));
		} finally {
			this.executing.delete(request);
			publish("status", { execution_state: "idle" });
			// A front end takes the last status for the kernel's.
			for (const running of this.executing) this.publisherOf(running)("status", { execution_state: "busy" });
		}
		if (type === "kernel_info_request") this.greet();
		if (type === "shutdown_request") await this.shutDown();
	}

	private readonly publishDebug = (frames: Frames, whileBusy?: Frames): void => {
		this.printed.flush();
		sendOn(this.iopub, frames);
		if (whileBusy && this.executing.size > 0) sendOn(this.iopub, whileBusy);
	};

	private publisherOf(request: Request): Publish {
		return (type, content, metadata) => {
			if (type === "stream") return this.printed.write(request, content as StreamContent);
			this.printed.flush();
			sendOn(this.iopub, request.answer(type, content, metadata));
		};
	}

	private async shutDown(): Promise<void> {
		const end = setTimeout(SHUTDOWN, undefined, { ref: false });
		// The reply is on its way by then.
		await setTimeout(0);
		this.onClose();
		for (const socket of [this.iopub, this.shell, this.stdin, this.heartbeat]) socket.close();
		this.closeControl();
		await end;
		endProcess();
	}
}
