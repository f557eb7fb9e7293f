import { checkExample } from '../../../examples/check/check-example.ts'

checkExample('php')
