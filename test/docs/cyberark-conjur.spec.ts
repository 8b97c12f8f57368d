import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { ConjurSecretManager } from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import { failureOf } from '../support/failure-of';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: {
        useFactory: () =>
          new ConjurSecretManager({
            address: 'https://conjur.example',
            account: 'acme',
            auth: { method: 'jwt', serviceId: 'kubernetes' },
          }),
      },
    }),
  ],
})
class AppModule {}

describe('The page of the driver for Conjur', () => {
  it('reports the missing token of the pod outside of Kubernetes', async () => {
    const error = await failureOf(Test.createTestingModule({ imports: [AppModule] }).compile());

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/auth\.jwtFile.*serviceaccount\/token.*cannot be read/);
  });
});
