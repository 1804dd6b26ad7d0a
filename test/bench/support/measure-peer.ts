import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ComparableRun } from './compare-backlogs.js'

const concurrency = 256
const timeoutSeconds = 600

export interface PeerPlan {
  /** The folder that the lab's `setup.sh` has built. */
  readonly lab: string
  readonly peer: string
  /** Of a program that is not one of the lab's. */
  readonly command: string | undefined
  readonly brokers: string
  readonly elasticsearch: string
  readonly records: number
}

/** The rate is that from its first call to its last document, the CPU time that from its first call on. */
export interface PeerRun extends ComparableRun {
  readonly load: number
}

/** What `run_one.py` prints. */
interface LabResult {
  readonly state: string
  readonly msgs_per_s: number
  readonly cpu_s: number
  readonly cpu_startup_s: number
  readonly docs: number
  readonly enriched: number
  readonly peak_rss_mib: number
  readonly load1_before: number
}

/** One run of the lab's own measurement. @throws Error if not every record was in the index, enriched */
export async function measurePeer(plan: PeerPlan): Promise<PeerRun> {
  const { lab, peer, command, brokers, elasticsearch, records } = plan
  const child = spawn('python3', [join(lab, 'run_one.py'), peer, String(concurrency), '0', String(records)], {
    env: {
      ...process.env,
      KAFKA: brokers,
      ES_URL: elasticsearch,
      TIMEOUT_S: String(timeoutSeconds),
      ...(command !== undefined && { PEER_CMD: command }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const result = JSON.parse(output) as LabResult
  if (result.state !== 'ok' || result.enriched < records) throw new Error(`${peer}: ${output}`)
  return {
    subject: peer,
    recordsPerSecond: result.msgs_per_s,
    cpuUsPerRecord: ((result.cpu_s - result.cpu_startup_s) / result.docs) * 1e6,
    peakMiB: result.peak_rss_mib,
    load: result.load1_before,
  }
}
