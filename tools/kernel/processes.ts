// The processes around the kernel: the one that started it, and those that cells start.
import { isRunning } from "../../src/support/processes";

/** Milliseconds between two looks at the parent. */
const LOOK = 1000;

/**
 * Sends a signal to this process and to those that its cells have started.
 *
 * Jupyter starts a kernel in a session of its own, whose process group these share. Started in another way, the kernel
 * may lead no group: then only itself gets the signal.
 */
export function signalGroup(signal: NodeJS.Signals): void {
	try {
		process.kill(-process.pid, signal);
	} catch {
		process.kill(process.pid, signal);
	}
}

/**
 * Ends this process, and those that its cells have started, when the process that started it has died: nobody would
 * see it train on. A kernel that is to outlive its client has no JPY_PARENT_PID.
 */
export function endWithParent(): void {
	const parent = Number(process.env.JPY_PARENT_PID);
	if (!parent) return;
	// Between the two there may be a program that passes on, such as `env` or `conda run`.
	const isChild = process.ppid === parent;
	setInterval(() => {
		if (isChild ? process.ppid !== parent : !isRunning(parent)) signalGroup("SIGKILL");
	}, LOOK).unref();
}
