/** Reports are printed one after another, as fast as somebody reads them; and the end of a run waits for nobody for long. */

import type { FrameSource } from "./capture/source.ts";
import type { Renderer } from "./render/render.ts";
import type { Report } from "./report/report.ts";

export interface Printing {
  readonly renderer: Renderer;
  /** Resolves when somebody has taken all of it. */
  readonly write: (text: string) => Promise<void>;
  /** Told of each report when it is printed. */
  readonly onReport: (report: Report) => void;
  /** Where reports come from at a pace of its own; null where they wait to be asked for. */
  readonly source: Pick<FrameSource, "extend" | "stop"> | null;
  /** Resolves when the end is asked for. */
  readonly end: Promise<void>;
  /** Resolves when a reader has had time enough, once the end was asked for. */
  readonly patience: () => Promise<void>;
}

/**
 * Until there are no more. Where the reader is slow, the next interval is longer instead. When the end is asked for, the
 * source is stopped and its last report printed; but where nobody has taken what was printed before, none is made, since
 * that may take long, and nobody would read it. Throws what `write` does, and what making a report does.
 */
export async function printReports(reports: AsyncIterable<Report>, printing: Printing): Promise<void> {
  const { renderer, onReport, source, end, patience } = printing;
  let written = Promise.resolve();
  const write = (text: string): void => {
    source?.extend(true);
    written = printing.write(text).finally(() => source?.extend(false));
    written.catch(() => source?.stop());
  };
  const isTaken = (): Promise<boolean> =>
    Promise.race([written.then(() => true), end.then(patience).then(() => false)]);
  const printAll = async (): Promise<void> => {
    write(renderer.header());
    for await (const report of reports) {
      await written;
      write(renderer.report(report));
      onReport(report);
    }
    await isTaken();
  };
  const { promise: isGivenUp, resolve: giveUp } = Promise.withResolvers<void>();
  const stop = (): void => source?.stop();
  end.then(async () => await isTaken() ? stop() : giveUp()).catch(stop);
  await Promise.race([printAll(), isGivenUp]);
}
