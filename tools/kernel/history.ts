// The inputs of this session, which consoles ask for. They are kept in memory: another kernel begins without any.
// https://jupyter-client.readthedocs.io/en/stable/messaging.html#history

/** The content of a `history_request`. */
export interface HistoryRequest {
	hist_access_type: "range" | "tail" | "search";
	/** Whether the entries have outputs too. */
	output?: boolean;
	/** For a range: 0 or `SESSION` for this session, and the first line and the one after the last. */
	session?: number;
	start?: number;
	stop?: number | null;
	/** Number of entries at most, the last ones. Default: all */
	n?: number | null;
	/** For a search: the whole input, with `*` and `?` for any text and any character. */
	pattern?: string;
	/** For a search: whether each input is there once, in its last place. */
	unique?: boolean;
}

export interface HistoryEntry {
	/** The execution count. */
	line: number;
	input: string;
	/** The text of the cell's value. */
	output?: string;
}

/** The number of this session: there are no others. */
const SESSION = 1;

/** Returns the content of a `history_reply`. */
export function historyReply(entries: readonly HistoryEntry[], request: HistoryRequest): object {
	const history = selected(entries, request).map(({ line, input, output }) => [
		SESSION,
		line,
		request.output ? [input, output ?? null] : input,
	]);
	return { status: "ok", history };
}

function selected(entries: readonly HistoryEntry[], request: HistoryRequest): readonly HistoryEntry[] {
	const { hist_access_type, session = 0, start = 1, stop, n, pattern = "*", unique = false } = request;
	if (hist_access_type === "range") {
		if (session !== 0 && session !== SESSION) return [];
		return entries.filter(({ line }) => line >= start && line < (stop ?? Number.POSITIVE_INFINITY));
	}
	const found = hist_access_type === "search" ? search(entries, pattern, unique) : entries;
	return n ? found.slice(-n) : found;
}

function search(entries: readonly HistoryEntry[], pattern: string, unique: boolean): readonly HistoryEntry[] {
	const source = pattern
		.replace(/[.+^${}()|[\]\\]/g, "\\$&")
		.replace(/\*/g, ".*")
		.replace(/\?/g, ".");
	const glob = new RegExp(`^${source}$`, "s");
	const found = entries.filter(({ input }) => glob.test(input));
	return unique ? found.filter(({ input }, i) => found.findLastIndex((other) => other.input === input) === i) : found;
}
