// Starts the kernel: `node main.cjs CONNECTION_FILE`, in the notebook's folder.
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Kernel } from "../../src/support/kernel";
import { openComm } from "./comms";
import { CellConverter } from "./converter";
import { currentRun, interrupt, interruptState, type Run } from "./execution";
import { Handlers } from "./handlers";
import { captureOutput, connectDisplay } from "./outputs";
import { type Connection, Server } from "./server";
import { Stacks } from "./stacks";
import { endProcess, keepProcess } from "./system-exit";
import { inspectPromisesShortly } from "./values/promises";

/** Milliseconds after the control thread's SIGINT in which another one is not the user's. */
const OWN_SIGNAL = 10_000;
/** Milliseconds that the first client gets to connect before the converter keeps the process busy. */
const GREETING = 200;

const folder = process.cwd();
let loaded: CellConverter | undefined;
/** Not loaded before it is needed: the sockets open first. */
const converter = () => {
	loaded ??= new CellConverter(folder);
	return loaded;
};

/** Makes the converter, most of the start's work, while the clients do theirs. */
async function warm(server: Server): Promise<void> {
	// The compiler loads while they connect, which takes them about 0.1 s.
	converter();
	connectDisplay();
	await Promise.race([server.greeted, setTimeout(GREETING)]);
	// The reply and its status are on their way by then.
	await setTimeout(10);
	converter().converter;
}

function listenToProcess(): void {
	process.on("SIGINT", () => {
		// The control thread's signal is for Node, which ends a loop by it; its message does the rest.
		if (Date.now() - interruptState.signalledAt[0] > OWN_SIGNAL) interrupt();
	});
	process.on("uncaughtException", (error) => console.error("UncaughtException:", error));
	process.on("unhandledRejection", (reason) => console.error("UnhandledPromiseRejection:", reason));
}

async function main([connectionFile]: string[]): Promise<void> {
	if (!connectionFile)
		throw new Error("no connection file: start the kernel by Jupyter, for example with `npm run lab`");
	const connection = JSON.parse(readFileSync(connectionFile, "utf8")) as Connection;
	const stacks = new Stacks();
	stacks.install();
	const handlers = new Handlers(folder, converter, stacks);
	captureOutput();
	inspectPromisesShortly();
	const api: Kernel = { current: () => currentRun() as Run, interrupt, openComm, run: handlers.runTask };
	Object.defineProperty(globalThis, Symbol.for("tslab.kernel"), { value: api });
	listenToProcess();
	keepProcess();
	const server = new Server(connection, handlers, () => loaded?.close());
	await server.start();
	void warm(server);
}

main(process.argv.slice(2)).catch((error) => {
	console.error(error);
	endProcess(1);
});
