import type { Command } from './command.js'
import { selectionOf } from './replay/selection.js'

export const replay: Command = {
  name: 'replay',
  summary: 'dead letters back through the pipeline, onto the same documents',
  drains: true,
  options: {
    reason: {
      type: 'string',
      multiple: true,
      placeholder: 'REASON',
      doc: 'only these, such as nlp-failed; repeatable',
    },
    topic: {
      type: 'string',
      multiple: true,
      placeholder: 'TOPIC',
      doc: 'only records of this topic; repeatable',
    },
    from: {
      type: 'string',
      placeholder: 'TIME',
      doc: 'only records from this Kafka timestamp on: 2026-03-01T08:00:00Z',
    },
    to: { type: 'string', placeholder: 'TIME', doc: 'only records before this Kafka timestamp' },
    record: {
      type: 'string',
      multiple: true,
      placeholder: 'RECORD',
      doc: 'only this one: topic-partition-offset, or the id of its document; repeatable',
    },
    again: { type: 'boolean', doc: 'also those that an earlier run brought back' },
    'dry-run': { type: 'boolean', doc: 'counts them by reason and topic, and does nothing' },
  },
  async run(context) {
    const selection = selectionOf(context.options)
    const { config } = context.loadConfig()
    // Loaded late: an invalid configuration, and every other command, need none of the clients.
    const { runReplay } = await import('./replay/run-replay.js')
    return runReplay(config, selection, context)
  },
}
