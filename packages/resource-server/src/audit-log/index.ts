export { openAuditFile, type AuditFileOptions } from './audit-file.ts'
export { verifyChain, type ChainCheck } from './chain.ts'
export { createLineSink } from './line-sink.ts'
