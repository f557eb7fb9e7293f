export { openAuditFile, type AuditFileOptions } from './audit-file.ts'
export { verifyChain, type ChainCheck } from './chain.ts'
export { createCallbackSink } from './callback-sink.ts'
export { createLineSink } from './line-sink.ts'
