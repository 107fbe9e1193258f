// A ZeroMQ socket that takes any number of messages.
import { writeSync } from "node:fs";
import type { MessageLike } from "zeromq";

export type Frames = MessageLike[];

/** A socket that sends one message at a time: what is sent meanwhile it loses, with EBUSY. */
interface SendingSocket {
	readonly closed: boolean;
	send(frames: Frames): Promise<void>;
}

/** Sends messages in their order, each when the one before has been taken. */
export class SendQueue {
	private readonly waiting: Frames[] = [];
	private sending = false;

	constructor(private readonly socket: SendingSocket) {}

	send(frames: Frames): void {
		this.waiting.push(frames);
		if (!this.sending) void this.drain();
	}

	private async drain(): Promise<void> {
		this.sending = true;
		for (let frames = this.waiting.shift(); frames; frames = this.waiting.shift()) {
			try {
				await this.socket.send(frames);
			} catch (error) {
				// Not console.error, which would send it. A closed socket has nothing more to send.
				if (!this.socket.closed) writeSync(2, `${error}\n`);
			}
		}
		this.sending = false;
	}
}
