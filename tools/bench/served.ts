// A server in a process of its own, for the benchmarks.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A server that answers. */
export interface Served {
	address: string;
	pid: number;
	end(): void;
}

/**
 * Starts a server that prints its address.
 *
 * @throws when it ends before
 */
export async function startServer([program, ...args]: string[], cwd: string): Promise<Served> {
	const server = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
	for await (const line of createInterface({ input: server.stdout })) {
		const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
		if (address) return { address, pid: server.pid as number, end: () => server.kill("SIGTERM") };
	}
	throw new Error(`${[program, ...args].join(" ")} ended before it printed its address`);
}
