// Sending on ZeroMQ sockets, so that nothing is lost and nothing waits.
import { writeSync } from "node:fs";
import type { MessageLike } from "zeromq";

export type Frames = MessageLike[];

/**
 * Options of a socket that sends at once, also while a cell blocks the event loop, and keeps what is not taken yet:
 * beyond a limit, outputs and even the end of a cell would be dropped.
 */
export const UNLIMITED = { sendHighWaterMark: 0, sendTimeout: 0 };

interface SendingSocket {
	readonly closed: boolean;
	send(frames: Frames): Promise<void>;
}

/** Sends a message on a socket with the options `UNLIMITED`. A closed socket has nothing more to send. */
export function sendOn(socket: SendingSocket, frames: Frames): void {
	if (socket.closed) return;
	// Not console.error, which would send it.
	socket.send(frames).catch((error) => writeSync(2, `${error}\n`));
}
