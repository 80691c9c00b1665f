import { describe, expect, it } from 'vitest'
import { sameOrigin } from './same-origin.ts'

describe('who may open a stream from a page', () => {
  it.each([
    [undefined, '127.0.0.1:5443', true],
    ['https://127.0.0.1:5443', '127.0.0.1:5443', true],
    ['https://Rack.Example', 'rack.example', true],
    ['https://rack.example', 'rack.example:443', true],
    ['https://rack.example:443', 'rack.example', true],
    ['https://[::1]:5443', '[::1]:5443', true],
    ['https://evil.example', 'rack.example', false],
    ['https://rack.example:1', 'rack.example', false],
    ['https://rack.example.evil.example', 'rack.example', false],
    ['https://rack.example@evil.example', 'rack.example', false],
    ['null', 'rack.example', false],
    ['', 'rack.example', false],
    ['https://rack.example', undefined, false],
    ['null', undefined, false],
    ['file://', '', false],
  ])('Origin %s at Host %s: %s', (origin, host, allowed) => {
    expect(sameOrigin(origin, host)).toBe(allowed)
  })
})
