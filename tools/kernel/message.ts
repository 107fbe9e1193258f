// Jupyter's messages as frames of ZeroMQ. https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
import { createHmac, randomUUID } from "node:crypto";
import type { Frames } from "./sending";

const DELIMITER = Buffer.from("<IDS|MSG>");
const PROTOCOL = "5.3";

interface Header {
	msg_id: string;
	msg_type: string;
	session: string;
	username: string;
	date: string;
	version: string;
}

/** The JSON parts of a message, in the order in which they are sent and signed. */
type Parts = [header: Header, parent: object, metadata: object, content: object];

function signature(key: string, parts: (string | Buffer)[]): string {
	const hash = createHmac("sha256", key);
	for (const part of parts) hash.update(part);
	return hash.digest("hex");
}

/** A message that was received. */
export class Request {
	private constructor(
		private readonly identities: Buffer[],
		private readonly header: Header,
		readonly content: object,
		private readonly key: string,
	) {}

	/** Reads a message, and throws if it is not signed with the key. */
	static parse(frames: Buffer[], key: string): Request {
		const end = frames.findIndex((frame) => frame.equals(DELIMITER));
		if (end < 0) throw new Error("a message without delimiter");
		const [signed, ...parts] = frames.slice(end + 1);
		if (signed.toString() !== signature(key, parts)) throw new Error("a message with an invalid signature");
		const [header, , , content] = parts.slice(0, 4).map((part) => JSON.parse(part.toString())) as Parts;
		return new Request(frames.slice(0, end), header, content, key);
	}

	get type(): string {
		return this.header.msg_type;
	}

	/** The frames of a message whose parent is this one: a reply, or what is published meanwhile. */
	answer(msg_type: string, content: object, metadata: object = {}): Frames {
		const { session, username } = this.header;
		const date = new Date().toISOString();
		const header: Header = { msg_id: randomUUID(), msg_type, session, username, date, version: PROTOCOL };
		const parts: Parts = [header, this.header, metadata, content];
		const bodies = parts.map((part) => JSON.stringify(part));
		return [...this.identities, DELIMITER, signature(this.key, bodies), ...bodies];
	}
}
