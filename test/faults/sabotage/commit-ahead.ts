import { PartitionLedger } from '../../../src/delivery/partition-ledger.js'

/** Commits whatever was read, settled or not. */
Object.defineProperty(PartitionLedger.prototype, 'committable', {
  get(this: PartitionLedger) {
    return this.position
  },
})
