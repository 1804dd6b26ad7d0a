import { DeadLetterWriter } from '../../../src/dead-letter/dead-letter-writer.js'

const { write } = DeadLetterWriter.prototype

/** Settles a rejected record at once, and writes its dead letter two seconds later. */
DeadLetterWriter.prototype.write = function (rejected) {
  setTimeout(() => void write.call(this, rejected), 2000)
  return Promise.resolve(true)
}
