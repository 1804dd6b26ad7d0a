import { workerData } from 'node:worker_threads'
import type { Analysis } from './analysis.js'
import { analyseText, type Finder } from './analyse-text.js'
import { loadNameFinder } from './find-names.js'
import { begin, type Progress } from './progress.js'

/** What a worker thread is given: texts, and where to write how far it is. */
export interface Task {
  readonly texts: readonly string[]
  readonly progress: Progress
}

/** What every worker thread is started with. */
export interface WorkerSettings {
  readonly people: boolean
}

const { people } = workerData as WorkerSettings
let loading: Promise<readonly Finder[]> | undefined

/** The worker thread's entry point: the analyses of the task's texts, in their order. */
export async function analyse({ texts, progress }: Task): Promise<Analysis[]> {
  loading ??= people ? loadNameFinder().then((finder) => [finder]) : Promise.resolve([])
  const finders = await loading
  return texts.map((text, index) => {
    begin(progress, index)
    return analyseText(text, finders)
  })
}
