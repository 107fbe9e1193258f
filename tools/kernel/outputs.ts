// Sends what code prints, and what tslab's display functions show, to the cell that the code belongs to.
import { currentRun } from "./execution";

type Write = NodeJS.WriteStream["write"];
type WriteCallback = (error?: Error) => void;

function capture(name: "stdout" | "stderr"): void {
	const stream = process[name];
	const writeToProcess: Write = stream.write.bind(stream);
	const decoder = new TextDecoder();
	stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
		const run = currentRun();
		const text = typeof chunk === "string" ? chunk : decoder.decode(chunk);
		// Before the first cell there is nobody to show it to.
		if (!run) return writeToProcess(text);
		run.publish("stream", { name, text });
		const callback = rest.find((argument): argument is WriteCallback => typeof argument === "function");
		if (callback) process.nextTick(callback);
		return true;
	};
}

/** Captures the output of this process from now on. */
export function captureOutput(): void {
	capture("stdout");
	capture("stderr");
}

/** Connects the display functions of the module `tslab` with the kernel. Loads the compiler, as that module does. */
export function connectDisplay(): void {
	// The writer of tslab's own kernel, which its display functions look up at each call.
	const jupyter: { lastWriteDisplayData: (content: object, update?: boolean) => void } = require("tslab/dist/jupyter");
	jupyter.lastWriteDisplayData = (content, update) =>
		currentRun()?.publish(update ? "update_display_data" : "display_data", content);
}
