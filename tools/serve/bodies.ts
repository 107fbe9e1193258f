// How many bytes of bodies are received at a time.
import type { FastifyInstance } from "fastify";
import { busy, tooLarge } from "./errors";

/** Bytes of bodies that are held at a time, unless one alone may have more. */
const MAX_HELD = 256e6;

/**
 * Rejects requests by the size that they announce, before their body is received: one that is too large by 413, and by
 * 503 those for which there is no memory now.
 *
 * @param maxBytes most bytes of a body, which one that announces no size is counted with
 */
export function limitBodies(app: FastifyInstance, maxBytes: number): void {
	const most = Math.max(MAX_HELD, maxBytes);
	let held = 0;
	app.addHook("onRequest", async (request, reply) => {
		const { "content-length": length, "transfer-encoding": encoding } = request.headers;
		if (length === undefined && encoding === undefined) return;
		const size = length === undefined ? maxBytes : Number(length);
		if (size > maxBytes) throw tooLarge(maxBytes);
		if (held + size > most) throw busy("too many bodies are received");
		held += size;
		let isHeld = true;
		const release = () => {
			if (isHeld) held -= size;
			isHeld = false;
		};
		// A client that goes away closes the response without finishing it.
		reply.raw.once("finish", release).once("close", release);
	});
}
