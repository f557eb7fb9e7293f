export { classifyAddress, isLoopbackHost, type AddressClass } from './address.ts'
export type { OutboundOptions } from './options.ts'
export { createOutbound, type Outbound, type OutboundAnswer, type OutboundRequest } from './outbound.ts'
export type { OutboundProblem } from './problems.ts'
