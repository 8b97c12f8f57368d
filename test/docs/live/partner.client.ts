import { Injectable } from '@nestjs/common';
import { InjectSecret, Secret } from 'nestjs-custom-secret-manager';

@Injectable()
export class PartnerClient {
  constructor(@InjectSecret('PARTNER_API_KEY') private readonly apiKey: Secret) {}

  async orders(): Promise<unknown> {
    return await this.apiKey.use(async (key) => {
      const response = await fetch('https://partner.example/orders', {
        headers: { authorization: `Bearer ${key}` },
      });
      if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status });
      return await response.json();
    });
  }
}
