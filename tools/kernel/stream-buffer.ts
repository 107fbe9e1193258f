// What cells print, in few messages: one for each line would take 21 s for 200,000 lines, and JupyterLab's server drops
// what comes in more than a thousand messages a second.
import type { Request } from "./message";

/** The content of a `stream` message. */
export interface StreamContent {
	name: "stdout" | "stderr";
	text: string;
}

/** Milliseconds for which text is collected; ipykernel takes 200. */
const INTERVAL = 100;
/** Messages that are sent at once in each interval: a few lines before a long computation do not wait for its end. */
const AT_ONCE = 10;

export class StreamBuffer {
	private waiting: { request: Request; content: StreamContent } | undefined;
	private lastRequest: Request | undefined;
	private intervalStart = 0;
	private sentInInterval = 0;
	private timer: NodeJS.Timeout | undefined;

	/** @param send sends a `stream` message of a request */
	constructor(private readonly send: (request: Request, content: StreamContent) => void) {}

	/** Takes text that the cell of a request printed. */
	write(request: Request, { name, text }: StreamContent): void {
		const { waiting } = this;
		if (waiting && (waiting.request !== request || waiting.content.name !== name)) this.flush();
		if (this.waiting) this.waiting.content.text += text;
		else this.waiting = { request, content: { name, text } };
		const now = performance.now();
		// A cell right after one that printed much has its own interval: what it prints first would wait for its end.
		if (request !== this.lastRequest || now - this.intervalStart >= INTERVAL) {
			this.lastRequest = request;
			this.intervalStart = now;
			this.sentInInterval = 0;
		}
		// By the clock too, since in a loop that does not await no timer is called.
		if (this.sentInInterval < AT_ONCE) this.flush();
		else this.timer ??= setTimeout(() => this.flush(), this.intervalStart + INTERVAL - now);
	}

	/** Sends what is waiting. Called before everything else that is sent, so that the order stays. */
	flush(): void {
		clearTimeout(this.timer);
		this.timer = undefined;
		if (!this.waiting) return;
		const { request, content } = this.waiting;
		this.waiting = undefined;
		this.sentInInterval++;
		this.send(request, content);
	}
}
