// Jupyter's requests. https://jupyter-client.readthedocs.io/en/stable/messaging.html
import { setTimeout } from "node:timers/promises";
import type { Kernel } from "../../src/support/kernel";
import { completenessOf, completionOf, inspectionOf } from "./assistance";
import { acceptComm, type CommContent, forgetComm, openComms, receiveFromComm } from "./comms";
import type { CellConverter } from "./converter";
import { type Debuggee, Target } from "./debugger/target";
import { toBundle } from "./display";
import { currentRun, Interrupted, interruptByMessage, type Publish, Run } from "./execution";
import { Executor } from "./executor";
import { type HistoryEntry, type HistoryRequest, historyReply } from "./history";
import { directiveOf } from "./profile/directives";
import { measure } from "./profile/measure";
import { Stacks } from "./stacks";
import { TaskCancelled, TaskQueue } from "./task-queue";

interface ExecuteRequest {
	code: string;
	silent?: boolean;
	/** Whether the code counts and is remembered. Default: unless it is silent */
	store_history?: boolean;
	/** Expressions that are evaluated after the code, by name. */
	user_expressions?: Record<string, string>;
	stop_on_error?: boolean;
}

interface CodeRequest {
	code: string;
	cursor_pos: number;
}

/** The contents of the requests, by type. */
interface Requests {
	kernel_info_request: object;
	execute_request: ExecuteRequest;
	is_complete_request: { code: string };
	inspect_request: CodeRequest;
	complete_request: CodeRequest;
	comm_info_request: { target_name?: string };
	history_request: HistoryRequest;
	comm_open: CommContent;
	comm_msg: CommContent;
	comm_close: CommContent;
	interrupt_request: object;
	shutdown_request: { restart: boolean };
}

/** The content of a reply; undefined for messages without one. */
type Answer = object | undefined;
type Table = { [Type in keyof Requests]: (content: Requests[Type], publish: Publish) => Answer | Promise<Answer> };

const withoutReply =
	<Content>(receive: (content: Content, publish: Publish) => void) =>
	(content: Content, publish: Publish): Answer => {
		receive(content, publish);
		return undefined;
	};

/** What JupyterLab's menu "Help" has for notebooks of this kernel. */
const HELP = [
	{ text: "TypeScript Handbook", url: "https://www.typescriptlang.org/docs/handbook/" },
	{ text: "Node.js Reference", url: "https://nodejs.org/docs/latest/api/" },
	{ text: "TensorFlow.js Reference", url: "https://js.tensorflow.org/api/latest/" },
];

/** Milliseconds within which the cells that were sent together with a failed one arrive. */
const SENT_TOGETHER = 20;

/** Answers requests. */
export class Handlers {
	private count = 0;
	private readonly history: HistoryEntry[] = [];
	private readonly queue = new TaskQueue();
	private readonly executor: Executor;
	/** Resolves when the cells that waited for a failed one are cancelled. */
	private recovered = Promise.resolve();

	private readonly table: Table = {
		kernel_info_request: () => this.kernelInfo(),
		execute_request: (request, publish) => this.execute(request, publish),
		is_complete_request: ({ code }) => completenessOf(this.converter().ts, code),
		inspect_request: ({ code, cursor_pos }) => inspectionOf(this.executor, code, cursor_pos),
		complete_request: ({ code, cursor_pos }) => completionOf(this.executor, code, cursor_pos),
		comm_info_request: ({ target_name }) => ({ status: "ok", comms: openComms(target_name) }),
		history_request: (request) => historyReply(this.history, request),
		comm_open: withoutReply(acceptComm),
		comm_msg: withoutReply(receiveFromComm),
		comm_close: withoutReply(forgetComm),
		interrupt_request() {
			interruptByMessage();
			return { status: "ok" };
		},
		shutdown_request: ({ restart }) => ({ status: "ok", restart }),
	};

	/** @param folder folder of the notebook */
	constructor(
		folder: string,
		private readonly converter: () => CellConverter,
		private readonly stacks = new Stacks(),
	) {
		this.executor = new Executor(folder, converter, this.stacks);
	}

	/** Acts on a request and resolves to the content of its reply. */
	async handle(type: string, content: object, publish: Publish): Promise<Answer> {
		// What is new in the protocol is nothing that a user could help.
		if (!Object.hasOwn(this.table, type)) return undefined;
		try {
			// The type names the content, which TypeScript cannot follow.
			return await this.table[type as keyof Requests](content as never, publish);
		} catch (error) {
			if (!type.endsWith("_request")) throw error;
			// Without a reply a front end would wait for ever.
			return { status: "error", ...this.stacks.describe(error) };
		}
	}

	/** Runs a widget's work as if it were a cell; its outputs go to the cell that opened the widget. */
	readonly runTask: Kernel["run"] = (work) => {
		const run = currentRun();
		const publish: Publish = (...message) => run?.publish(...message);
		return this.queue.add(async () => {
			publish("status", { execution_state: "busy" });
			try {
				await new Run(publish).run(work);
			} catch (error) {
				// A widget says itself that it was stopped.
				if (!(error instanceof Interrupted)) publish("error", this.stacks.describe(error));
			} finally {
				publish("status", { execution_state: "idle" });
			}
		});
	};

	/** Makes the main thread's side of the debugger, which publishes by `publish`. */
	debugTarget(publish: Debuggee["publish"], announce: Debuggee["announce"]): Target {
		const { stacks, executor } = this;
		return new Target({ stacks, executor, typescript: () => this.converter().ts, publish, announce });
	}

	private kernelInfo(): Answer {
		const { version } = require("tslab/package.json") as { version: string };
		return {
			status: "ok",
			protocol_version: "5.3",
			implementation: "tslab",
			implementation_version: version,
			banner: `tslab ${version} with TypeScript ${this.converter().version}`,
			// Which of the two a front end looks at depends on its version.
			debugger: true,
			supported_features: ["debugger"],
			help_links: HELP,
			language_info: {
				name: "typescript",
				version: this.converter().version,
				mimetype: "text/typescript",
				file_extension: ".ts",
				pygments_lexer: "typescript",
				nbconvert_exporter: "script",
				// `mode` is JupyterLab's; with the other two the classic notebook finds TypeScript's colours.
				// https://github.com/yunabe/tslab/issues/18
				codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
			},
		};
	}

	private async execute(request: ExecuteRequest, publish: Publish): Promise<Answer> {
		const { silent = false, stop_on_error } = request;
		const publishUnlessSilent: Publish = silent ? () => {} : publish;
		let execution_count: number | undefined;
		try {
			const user_expressions = await this.queue.add(async () => {
				const isStored = !silent && (request.store_history ?? true);
				execution_count = isStored ? ++this.count : this.count;
				await this.executeNow(request.code, execution_count, isStored, publishUnlessSilent);
				return this.evaluate(request.user_expressions ?? {});
			});
			return { status: "ok", execution_count, user_expressions, payload: [] };
		} catch (error) {
			if (error instanceof TaskCancelled) {
				await this.recovered;
				return { status: "aborted" };
			}
			const description = this.stacks.describe(error);
			publishUnlessSilent("error", description);
			// The cells that were sent by now do not run; one that is sent after the reply does. Asking the socket
			// whether more has arrived would stop its own reading. https://github.com/yunabe/tslab/issues/19
			const wait = stop_on_error === false ? 0 : SENT_TOGETHER;
			this.recovered = setTimeout(wait).then(() => this.queue.reset());
			await this.recovered;
			return { status: "error", execution_count, ...description };
		}
	}

	private async executeNow(code: string, execution_count: number, isStored: boolean, publish: Publish): Promise<void> {
		publish("execute_input", { code, execution_count });
		const entry: HistoryEntry = { line: execution_count, input: code };
		if (isStored) this.history.push(entry);
		// Stacks find a cell by its name: code that does not count must not take the last one's.
		const name = `cell [${isStored ? execution_count : 0}]`;
		const directive = directiveOf(code);
		const measured = directive && measure(directive, publish, this.stacks);
		try {
			await new Run(publish).run(async () => {
				const { value } = await this.executor.execute(code, name, measured?.begin);
				if (value === undefined || value === null) return;
				const data = await toBundle(value);
				entry.output = String(data["text/plain"] ?? "");
				publish("execute_result", { execution_count, data, metadata: {} });
			});
		} finally {
			await measured?.end();
		}
	}

	/** Evaluates expressions to what a cell that ends with them would show. */
	private async evaluate(expressions: Record<string, string>): Promise<object> {
		const evaluated: Record<string, object> = {};
		for (const [name, code] of Object.entries(expressions)) {
			try {
				const { value } = await new Run(() => {}).run(() => this.executor.execute(code, "cell [0]"));
				const data = value === undefined || value === null ? { "text/plain": String(value) } : await toBundle(value);
				evaluated[name] = { status: "ok", data, metadata: {} };
			} catch (error) {
				evaluated[name] = { status: "error", ...this.stacks.describe(error) };
			}
		}
		return evaluated;
	}
}
