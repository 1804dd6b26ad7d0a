import { randomUUID } from 'node:crypto'
import { RecordFeed } from '../../../src/source/record-feed.js'

const { push } = RecordFeed.prototype

/** Gives a record another id each time that it is read. */
RecordFeed.prototype.push = function (record) {
  push.call(this, { ...record, id: `${record.id}-${randomUUID()}` })
}
