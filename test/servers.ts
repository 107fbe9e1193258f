// Servers that tests and benchmarks start.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

export async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	await once(server, "close");
	return port;
}

/** A real Redis, which keeps what it was told, and which can be killed and started again. */
export async function startRedis(folder: string, port: number, ...args: string[]): Promise<ChildProcess> {
	const settings = ["--port", String(port), "--dir", folder, "--appendonly", "yes", "--appendfsync", "always"];
	const server = spawn("redis-server", [...settings, ...args], { stdio: ["ignore", "pipe", "inherit"] });
	await new Promise<void>((ready, failed) => {
		server.stdout.on("data", (text) => /Ready to accept/.test(String(text)) && ready());
		server.on("exit", () => failed(new Error("redis-server ended")));
	});
	return server;
}
