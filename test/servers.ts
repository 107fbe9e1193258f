// Servers for tests and benchmarks.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/** Returns a TCP port that is free. */
export async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	await once(server, "close");
	return port;
}

/**
 * Starts a Redis server that persists every write, so that it can be killed and started again.
 * It ends with this process, and doesn't keep it alive: a test that fails before its server is stopped would never end.
 */
export async function startRedis(folder: string, port: number, ...args: string[]): Promise<ChildProcess> {
	const settings = ["--port", String(port), "--dir", folder, "--appendonly", "yes", "--appendfsync", "always"];
	const server = spawn("redis-server", [...settings, ...args], { stdio: ["ignore", "pipe", "ignore"] });
	await new Promise<void>((resolve, reject) => {
		server.stdout.on("data", (text) => /Ready to accept/.test(String(text)) && resolve());
		server.on("exit", () => reject(new Error("redis-server ended")));
	});
	server.unref();
	(server.stdout as Socket).unref();
	process.once("exit", () => server.kill("SIGKILL"));
	return server;
}
