import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Header, UseGuards, applyDecorators } from '@nestjs/common';
import { AllowedHostsGuard } from '../http/allowed-hosts.guard';
import { StatusReport, type Status } from './status-report';

/** The content security policy. It permits only the page's own files, because the page shows names from outside. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * A page that shows the state of the secret layer to people. Page and JSON need no key, like the health check. They
 * show names, states, ages, versions and counts, and none of these opens anything.
 */
@Controller()
@UseGuards(AllowedHostsGuard)
export class StatusController {
  readonly #page = pageFile('index.html');
  readonly #style = pageFile('page.css');
  readonly #script = pageFile('page.js');

  constructor(private readonly report: StatusReport) {}

  @Get()
  @Sent('text/html', { 'content-security-policy': POLICY })
  page(): string {
    return this.#page;
  }

  @Get('status/page.css')
  @Sent('text/css')
  style(): string {
    return this.#style;
  }

  @Get('status/page.js')
  @Sent('text/javascript')
  script(): string {
    return this.#script;
  }

  @Get('status')
  @Sent('application/json')
  status(): Promise<Status> {
    return this.report.get();
  }
}

function pageFile(name: string): string {
  return readFileSync(join(__dirname, 'page', name), 'utf8');
}

function Sent(type: string, others: Readonly<Record<string, string>> = {}): MethodDecorator {
  const headers = {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...others,
  };
  return applyDecorators(...Object.entries(headers).map(([name, value]) => Header(name, value)));
}
