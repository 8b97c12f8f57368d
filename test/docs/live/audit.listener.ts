import { Injectable, Logger } from '@nestjs/common';
import { OnSecretChange, type SecretChange } from 'nestjs-custom-secret-manager';

@Injectable()
export class AuditListener {
  private readonly logger = new Logger('Audit');

  @OnSecretChange(['DB_PASSWORD', 'PARTNER_API_KEY'])
  onChange({ name, previousVersion, version, at }: SecretChange): void {
    this.logger.log(`${name}: ${previousVersion} -> ${version} at ${at.toISOString()}`);
  }
}
