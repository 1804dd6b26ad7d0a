import { PartitionLedger } from '../../../src/delivery/partition-ledger.js'

/** Commits nothing of what is settled beyond an unsettled record. */
PartitionLedger.prototype.settledBeyond = () => []
