import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { connect } from "../../src/sweep/redis-connection";
import { root, temporaryFolder } from "../helpers";
import { freePort, startRedis } from "../servers";

const skip = spawnSync("redis-server", ["--version"]).status === 0 ? false : "redis-server is not installed";
/** The error of a connection, which never holds the password. */
async function refusal(address: string): Promise<string> {
	const { message } = await connect(address).then(
		() => assert.fail(`${address} connects`),
		(error: Error) => error,
	);
	assert.doesNotMatch(message, /s3cret|s%33cret|hunter2/, "a password");
	assert.doesNotMatch(message, /\n/);
	return message;
}
const isNone =
	/^the address given is not a Redis address: expected redis:\/\/\[user:password@\]host:port, .* a port from 1 to 65535$/;
const portOf = (server: Server) => (server.address() as { port: number }).port;

test("an address that is none is an error that says what was expected, without the password", async () => {
	for (const address of [
		"redis:/me:s3cret@host:6379",
		"redis//me:s3cret@host",
		"me:s3cret@host:6379",
		"redis://me:s3cret@host:99999",
		"redis://me:s3cret@host:port",
		"redis://me:s3cret@host:0",
		"redis://me:s3cret",
		"redis://:s3cret@",
		"http://me:s3cret@host:6379",
		"redis://me:s3cret%@host",
		"redis://me:s3cret#host:6379",
		"redis://me:s3cret host",
		"",
		"\n",
	]) {
		assert.match(await refusal(address), isNone, JSON.stringify(address));
	}
	for (const address of ["localhost", "http://host:6379", "redis://host:99999", "host:6379"]) {
		const message = await refusal(address);
		assert.ok(message.startsWith(`${address} is not a Redis address: expected redis://`), message);
	}
});

test("a server that does not answer is named without the password", async () => {
	assert.match(
		await refusal("redis://me:s3cret@127.0.0.1:1/0?password=hunter2"),
		/^Redis at redis:\/\/127\.0\.0\.1:1 cannot be used: connect ECONNREFUSED .*; is redis-server running there\?$/,
	);
	// It repeats what it was sent.
	const echo = createServer((socket) => {
		socket.on("error", () => {});
		socket.on("data", (text) => socket.write(`-ERR ${String(text).replaceAll("\r\n", " ")}\u001b[2J\r\n`));
	}).listen(0, "127.0.0.1");
	await once(echo, "listening");
	after(() => echo.close());
	const message = await refusal(`redis://me:s%33cret@127.0.0.1:${portOf(echo)}`);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
	assert.doesNotMatch(message, /\u001b/);
	const silent = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
	await once(silent, "listening");
	after(() => silent.close());
	assert.match(
		await refusal(`redis://me:s3cret@127.0.0.1:${portOf(silent)}`),
		/cannot be used: no answer within 4 s; is/,
	);
});

test("an address without TLS of a server that expects it is an error that says so", async () => {
	// Without a certificate: it refuses, but in TLS.
	const server = createTlsServer().listen(0, "127.0.0.1");
	server.on("tlsClientError", () => {});
	await once(server, "listening");
	after(() => server.close());
	assert.match(
		await refusal(`redis://me:s3cret@127.0.0.1:${portOf(server)}`),
		/it expects TLS: the address begins with rediss:\/\/ instead of redis:\/\/$/,
	);
});

describe("with a server", { skip }, () => {
	test("a Redis server that cannot be used is named with the reason", async () => {
		const port = await freePort();
		const readOnly = ["user reader on >pass ~* +@read +@connection", "user default on >s3cret ~* +@all"];
		const options = readOnly.flatMap((user) => [`--${user.split(" ")[0]}`, ...user.split(" ").slice(1)]);
		await startRedis(temporaryFolder(), port, ...options);
		assert.match(await refusal(`redis://127.0.0.1:${port}`), /denies access: NOAUTH/);
		assert.match(await refusal(`redis://reader:pass@127.0.0.1:${port}`), /denies access: NOPERM/);
		assert.match(await refusal(`redis://:hunter2@127.0.0.1:${port}`), /denies access: WRONGPASS/);
		assert.match(
			await refusal(`rediss://:s3cret@127.0.0.1:${port}`),
			/it answers without TLS: the address begins with redis:\/\/ instead of rediss:\/\/$/,
		);
		(await connect(`redis://:s3cret@127.0.0.1:${port}`)).disconnect();
	});
});

test("the commands do not print the password of an address in the wrong place", () => {
	const folder = temporaryFolder();
	const file = (name: string, text: string) => {
		writeFileSync(join(folder, name), text);
		return join(folder, name);
	};
	const address = "redis://me:s3cret@host:6379";
	for (const args of [
		["worker", address],
		["worker", "--workers", address, "--redis", address],
		["worker", `--reddis=${address}`],
		["worker", "--redis", "redis://me:s3cret@host:99999"],
		["sweep", address],
		["sweep", "me:s3cret@host:6379"],
		["sweep", "x.json", "--report", address],
		["sweep", file("cut.json", `{"redis": "${address}`)],
		["sweep", file("key.json", `{"space": {}, "${address}": 1}`)],
		["sweep", file("workers.json", `{"space": {}, "workers": "${address}"}`)],
	]) {
		const main = `require("./tools/run/${args[0]}.ts").main(${JSON.stringify(args.slice(1))})`;
		const code = `${main}.catch(({ message }) => console.error(message))`;
		const { stdout, stderr } = spawnSync(process.execPath, ["--require", "tsx/cjs", "-e", code], { cwd: root });
		assert.doesNotMatch(`${stdout}${stderr}`, /s3cret/, args.join(" "));
		assert.notEqual(String(stderr), "", args.join(" "));
	}
});
