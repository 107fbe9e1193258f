// The npm that a command was started by.
import { readFileSync } from "node:fs";
import { isRunning } from "./steps.mjs";

/** Milliseconds between two looks at npm. */
const LOOK = 1000;

/** Ends this command as a closed terminal would, when the npm that started it has died: nobody would see it work on. */
export function endWithNpm() {
	if (process.env.npm_lifecycle_event === undefined) return;
	const npm = npmProcess();
	const look = setInterval(() => {
		if (isRunning(npm)) return;
		clearInterval(look);
		process.kill(process.pid, "SIGHUP");
	}, LOOK);
	look.unref();
}

/** The process of npm: the parent, or above the shell that npm runs a script in, which some shells are no more by now. */
function npmProcess() {
	try {
		const status = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
		const [, shell, parent] = /\((\w*sh|busybox)\) \w (\d+)/.exec(status) ?? [];
		return shell ? Number(parent) : process.ppid;
	} catch {
		// Not Linux; elsewhere the shell has made room.
		return process.ppid;
	}
}
