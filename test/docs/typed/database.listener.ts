import { Injectable, Logger } from '@nestjs/common';
import { OnSecretChange, type SecretChange } from 'nestjs-custom-secret-manager';
import { DatabaseSecrets } from './database.secrets';

@Injectable()
export class DatabaseListener {
  private readonly logger = new Logger('Database');

  @OnSecretChange([DatabaseSecrets, 'login'])
  onLogin({ version }: SecretChange): void {
    this.logger.log(`The login has changed to ${version}.`);
  }
}
