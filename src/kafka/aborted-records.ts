/** What a fetch brought of one partition, as far as it is looked at here. kafkajs has no type for it. */
export interface FetchedRecords {
  /** By the brokers, in the order of their ends; none where uncommitted records are read. */
  abortedTransactions?: readonly AbortedTransaction[] | null
  readonly messages: readonly FetchedRecord[]
}

interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

interface FetchedRecord {
  readonly offset: string
  readonly key: Buffer | null
  isControlRecord: boolean
  /** Missing in formats before Kafka 0.11. */
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

/** The key of a control record: its version, and 0 for an abort. */
const abortKey = Buffer.from([0, 0, 0, 0])

/**
 * Has kafkajs hide the records of aborted transactions, as control records, which it leaves out without losing its place. Its own
 * filter enters one transaction with each record, in the order of the list, and takes any key of four zero bytes for the end of one:
 * where transactions overlap, above all where reading begins in the middle of them, it lets aborted records through.
 *
 * By the protocol (KIP-98): a record is aborted whose producer has an aborted transaction that begins at it or before, and whose end, a
 * control record, lies behind it.
 */
export function hideAborted(fetched: FetchedRecords): void {
  const { abortedTransactions } = fetched
  if (!abortedTransactions || abortedTransactions.length === 0) return
  const begins = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, from: BigInt(firstOffset) }))
    .sort((a, b) => (a.from < b.from ? -1 : 1))
  const aborting = new Set<string>()
  let next = 0
  for (const record of fetched.messages) {
    const { batchContext, isControlRecord, key } = record
    for (let begin = begins[next]; begin && begin.from <= BigInt(record.offset); begin = begins[++next])
      aborting.add(begin.producerId)
    if (batchContext?.inTransaction !== true || !aborting.has(batchContext.producerId)) continue
    if (!isControlRecord) record.isControlRecord = true
    else if (key?.equals(abortKey) === true) aborting.delete(batchContext.producerId)
  }
  fetched.abortedTransactions = []
}
