// The program of a report's page: verify, what if, try. In a worker, the same program computes the figures.
import { offerModel } from "./try";
import { answer, offerVerification } from "./verify";
import { offerWhatIf } from "./what-if";

if (typeof document === "undefined") self.onmessage = answer;
else {
	offerVerification(document.currentScript?.textContent ?? "");
	offerWhatIf();
	offerModel();
}
